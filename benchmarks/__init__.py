"""What `make bench` runs: every figure of the rule engine beside its rivals, in one run."""
