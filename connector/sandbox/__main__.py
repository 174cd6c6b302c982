"""`python -m connector.sandbox`: the sandbox without the rest of the command line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from connector.sandbox.app import BOTH, SIDES
from connector.sandbox.options import SandboxError, SandboxOptions
from connector.sandbox.serve import serve
from connector.sandbox.tiktok.shops import REGIONS


def main() -> int:
    """Read the arguments, serve until told to stop. Exit status 1 with one sentence when it cannot start."""
    parser = argparse.ArgumentParser(
        prog="connector.sandbox", description="A TikTok Shop and a Magento on this machine."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8787)
    parser.add_argument("--data", type=Path, default=Path("var/sandbox"), help="folder that keeps the state")
    parser.add_argument("--catalog", type=Path, help="catalogue folder to load into the store")
    parser.add_argument("--products", type=int, default=300, help="products to generate without --catalog")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--region", default="US", choices=REGIONS, help="region of the shop that authorizes")
    parser.add_argument("--side", default=BOTH, choices=SIDES, help="serve only one of the two")
    parser.add_argument("--redirect-url", default=SandboxOptions().redirect_url, help="where the consent page leads")
    given = parser.parse_args()
    try:
        serve(
            given.host,
            given.port,
            given.data,
            given.catalog,
            given.products,
            given.seed,
            SandboxOptions(region=given.region, redirect_url=given.redirect_url),
            given.side,
        )
    except SandboxError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
