"""Cancellations and returns."""
