"""What is remembered of a recording: its windows, segments and chapters in a few tokens each, and the file for them.

``segments`` makes a window's tokens, ``hierarchy`` sums them up level by level, ``questions`` compares them with a
question, ``reader`` chooses what is read (without torch), ``store`` keeps it all.
"""
