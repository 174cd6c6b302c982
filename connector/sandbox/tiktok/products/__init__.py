"""Products: checks, versions, audit, price and stock."""
