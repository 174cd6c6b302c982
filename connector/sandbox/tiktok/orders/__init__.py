"""Orders: placing, money, life cycle, external references."""
