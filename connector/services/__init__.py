"""One module for each step of the flow, and the queue table. No framework, no HTTP: the outside comes in by `context`."""
