"""Tokens and passwords of remote systems, encrypted at rest with a key that can be rotated."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from connector.errors import ConfigurationError


class SecretBox:
    """Encrypts with the first key, decrypts with any: put a new key in front to rotate."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ConfigurationError(
                "No encryption key: set CONNECTOR_SECRET_KEY, or let the connector make one in its var folder."
            )
        try:
            self._fernet = MultiFernet([Fernet(key.encode()) for key in keys])
        except ValueError as error:
            raise ConfigurationError(
                "CONNECTOR_SECRET_KEY is not a Fernet key (32 bytes in URL-safe base64)."
            ) from error

    def encrypt(self, text: str) -> str:
        """Cipher text as ASCII."""
        return self._fernet.encrypt(text.encode()).decode("ascii")

    def decrypt(self, token: str) -> str:
        """Plain text.

        Raises:
            ConfigurationError: none of the keys wrote it.
        """
        try:
            return self._fernet.decrypt(token.encode("ascii")).decode()
        except InvalidToken as error:
            raise ConfigurationError(
                "A stored secret cannot be read with the present CONNECTOR_SECRET_KEY. Put the key that wrote it back, "
                "as a second value, or connect the account again."
            ) from error

    def rotate(self, token: str) -> str:
        """The same secret, encrypted with the first key."""
        return self._fernet.rotate(token.encode("ascii")).decode("ascii")


_box: list[SecretBox] = []


def use(keys: Sequence[str]) -> None:
    """Set the keys for this process."""
    _box[:] = [SecretBox(keys)]


def box() -> SecretBox:
    """The box that `use` made; raises ConfigurationError before."""
    if not _box:
        raise ConfigurationError("No encryption key was loaded before a secret was read.")
    return _box[0]
