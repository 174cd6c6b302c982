"""A TikTok Shop and a Magento of our own, over HTTP, on one port of this machine.

Users rehearse on it, the demo and the tests run on it. It keeps the remote contracts (signatures, tokens, envelopes,
error codes, page limits, asynchronous audits, order life cycles) and stands alone: it imports nothing else of connector.
"""

from __future__ import annotations

from connector.sandbox.app import create_sandbox
from connector.sandbox.options import SandboxError, SandboxOptions
from connector.sandbox.serve import SandboxServer, serve

__all__ = ["SandboxError", "SandboxOptions", "SandboxServer", "create_sandbox", "serve"]
