"""The demonstration: a catalogue becomes listings, orders come back, and both sides are compared at the end.

It drives the same services, queue, workers and scheduler as an installation does. The seller clicks through the web pages
(`seller`), the shopkeeper works through the store's own REST API (`shopkeeper`), buyers, carriers and reviewers are played
through the sandbox's control API (`buyers`). Every step looks first at what is there already, so that a journey of which
anything was killed goes on where it was.
"""
