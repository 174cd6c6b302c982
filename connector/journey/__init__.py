"""The demonstration: a catalogue becomes listings, orders come back, and both sides are compared at the end.

It drives the same services, queue and workers as an installation does; buyers are played through the sandbox's control
API, the shopkeeper through the store's own REST API. Every step looks first at what is there already, so that a journey
that was killed goes on where it was.
"""
