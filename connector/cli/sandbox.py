"""`connector sandbox`."""

from __future__ import annotations

from pathlib import Path

import click

from connector.errors import ConfigurationError


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8787, show_default=True, type=click.IntRange(0, 65_535), help="Port; 0 takes any.")
@click.option(
    "--data", type=click.Path(file_okay=False, path_type=Path), help="Folder of its state.  [default: var/sandbox]"
)
@click.option(
    "--catalog", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Catalogue folder to load."
)
@click.option(
    "--products", default=300, show_default=True, type=click.IntRange(1), help="Products to generate otherwise."
)
@click.option("--seed", default=1, show_default=True, help="The same seed, the same products.")
@click.option(
    "--region", default="US", show_default=True, type=click.Choice(["US", "GB", "IE"]), help="The shop's region."
)
@click.option(
    "--side",
    default="both",
    show_default=True,
    type=click.Choice(["both", "marketplace", "store"]),
    help="Serve only one of the two.",
)
@click.option(
    "--redirect-url",
    help="Where the consent page sends the browser.  [default: the connector of this machine's settings]",
)
def sandbox(
    *, host: str, port: int, data: Path | None, catalog: Path | None, products: int, seed: int, region: str, side: str,
    redirect_url: str | None,
) -> None:  # fmt: skip
    """Run a TikTok Shop and a Magento of our own.

    Two servers in one, over HTTP, that keep the real contracts: to rehearse on, and what `connector demo` runs on.
    """
    from connector.cli.common import start
    from connector.domain.shop import CONSENT_RETURN
    from connector.sandbox.options import SandboxError, SandboxOptions
    from connector.sandbox.serve import serve

    settings = start(service=True)
    options = SandboxOptions(region=region, redirect_url=redirect_url or settings.base_url + CONSENT_RETURN)
    try:
        serve(host, port, data or settings.var_dir / "sandbox", catalog, products, seed, options, side)
    except SandboxError as error:
        raise ConfigurationError(str(error)) from error
