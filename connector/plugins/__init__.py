"""Policy types and marketplace actions, each a registered plugin."""
