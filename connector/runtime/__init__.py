"""Processes on one machine: Redis, supervisor, worker, web server. Knows nothing of what they run."""
