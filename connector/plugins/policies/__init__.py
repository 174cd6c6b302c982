"""The five policy types, one file each."""
