"""Plain values and decisions: no framework, no database, no clock, no network."""
