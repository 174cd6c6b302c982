"""The rule language: text → tree → checked tree → compiled conditions and prices. Pure values and functions."""
