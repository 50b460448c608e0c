"""The user's doors: the command line and what it draws."""
