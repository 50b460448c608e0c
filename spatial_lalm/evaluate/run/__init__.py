"""The evaluation runner: systems are asked every item of a split, their answers read, scored, checked and reported."""
