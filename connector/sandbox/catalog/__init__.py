"""Catalogues for the sandbox: load a folder, generate one, draw its pictures."""
