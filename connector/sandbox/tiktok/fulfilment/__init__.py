"""Fulfilment: shipping, packages, splits, labels."""
