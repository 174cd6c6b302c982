"""The marketplace actions, one file each."""
