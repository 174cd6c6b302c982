"""Everything that an operator may set, read from environment variables named `CONNECTOR_…`.

Nothing has to be set: without any of them the connector keeps a SQLite database, a Redis of its own and its keys in `./var`.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import secrets
import tempfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

from cryptography.fernet import Fernet
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from connector.errors import ConfigurationError
from connector.runtime import embedded

PREFIX = "CONNECTOR_"
UNTOLD = SecretStr("")


def _url(*schemes: str) -> AfterValidator:
    """A check that a text is empty or an address of one of the schemes."""

    def check(text: str) -> str:
        scheme, separator, rest = text.partition("://")
        if text and not (separator and rest and scheme in schemes):
            raise ValueError(f"it must start with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        return text

    return AfterValidator(check)


def _fernet_key(key: SecretStr) -> SecretStr:
    if text := key.get_secret_value():
        try:
            Fernet(text)
        except ValueError:
            raise ValueError("it is not a key of 32 bytes in URL-safe base64") from None
    return key


def _smtp(url: SecretStr) -> SecretStr:
    text = url.get_secret_value()
    if text and not text.startswith(("smtp://", "smtps://")):
        raise ValueError("it must start with smtp:// or smtps://")
    return url


def _long_enough(secret: SecretStr) -> SecretStr:
    if 0 < len(secret.get_secret_value()) < 32:
        raise ValueError("it is shorter than 32 characters")
    return secret


def _split(text: object) -> object:
    return [part.strip() for part in text.split(",") if part.strip()] if isinstance(text, str) else text


HttpUrl = Annotated[str, _url("http", "https")]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
FernetKey = Annotated[SecretStr, AfterValidator(_fernet_key)]

NEW_FERNET_KEY = "the output of: connector doctor --new-key"


class Settings(BaseSettings):
    """The settings of one process. `load` reads them and reports every problem at once."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid")

    var_dir: Path = Field(
        Path("var"),
        description="Folder of everything that the connector keeps on this machine.",
        examples=["/var/lib/connector"],
    )
    database_url: Annotated[str, _url("sqlite", "postgresql", "postgres")] = Field(
        "",
        repr=False,
        description="Database: SQLite or PostgreSQL. Unset: `connector.sqlite` in the var folder.",
        examples=["postgresql://user:password@host/name"],
    )
    redis_url: Annotated[str, _url("redis", "rediss", "unix")] = Field(
        "",
        repr=False,
        description="Redis or Valkey. Unset: one of our own, in the var folder.",
        examples=["redis://host:6379/0"],
    )
    secret_key: FernetKey = Field(
        UNTOLD,
        description="Key that encrypts tokens and passwords in the database. Unset: `secret.key` in the var folder.",
        examples=[NEW_FERNET_KEY],
    )
    secret_keys: Annotated[list[FernetKey], NoDecode, BeforeValidator(_split)] = Field(
        default_factory=list,
        description="Earlier keys that may still decrypt, separated by commas.",
        examples=["the value that CONNECTOR_SECRET_KEY had before"],
    )
    session_secret: Annotated[SecretStr, AfterValidator(_long_enough)] = Field(
        UNTOLD,
        description="Signs the admin's session cookies. Unset: `session.key` in the var folder.",
        examples=["32 or more random characters"],
    )
    metrics_token: Annotated[SecretStr, AfterValidator(_long_enough)] = Field(
        UNTOLD,
        description="Bearer token that `/metrics` asks for. Unset: it answers programs on this machine only.",
        examples=["32 or more random characters"],
    )
    base_url: HttpUrl = Field(
        "",
        description="Address under which browsers and TikTok Shop reach the web process. Unset: made of host and port.",
        examples=["https://connector.example.com"],
    )
    host: str = Field(
        "127.0.0.1", min_length=1, description="Address that the web process listens on.", examples=["192.168.1.10"]
    )
    trusted_proxies: int = Field(
        0,
        ge=0,
        le=9,
        description="Proxies of yours in front of the web process, each adding to `X-Forwarded-For`: callers' addresses are read "
        "there. With 0 the header means nothing.",
        examples=["1"],
    )
    port: int = Field(8080, ge=1, le=65_535, description="Port that the web process listens on.", examples=["8080"])
    web_processes: int = Field(2, ge=1, le=64, description="Processes of the web server.", examples=["2"])
    web_threads: int = Field(4, ge=1, le=64, description="Threads of each of them.", examples=["4"])
    workers: int = Field(
        2,
        ge=1,
        le=64,
        description="Worker processes of each queue where the connector supervises itself.",
        examples=["2"],
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severity that is logged.", examples=["info"]
    )
    log_json: bool = Field(False, description="One JSON object a line, for log collectors.", examples=["true"])
    connect_timeout: Seconds = Field(
        10, description="Seconds to wait for a connection to a remote system.", examples=["10"]
    )
    read_timeout: Seconds = Field(60, description="Seconds to wait for its answer.", examples=["60"])
    server_timeout: Seconds = Field(
        300,
        description="Seconds that the store's server lets a call run, even when nobody waits for its answer any more: the "
        "longest of its web server's, PHP's and database's limits. No order is placed anew before they have passed.",
        examples=["600"],
    )
    job_timeout: Annotated[float, Field(ge=10, le=86_400)] = Field(
        900, description="Seconds that one batch of work may take.", examples=["900"]
    )
    stop_timeout: Seconds = Field(
        20, description="Seconds that a process may take to finish its work when it is stopped.", examples=["20"]
    )
    keep_work_days: int = Field(
        30, ge=1, le=3_650, description="Days that work which is done, and notifications, are kept.", examples=["30"]
    )
    keep_buyers_days: int = Field(
        180,
        ge=1,
        le=3_650,
        description="Days that names and addresses of buyers are kept after their order is over.",
        examples=["180"],
    )
    smtp_url: Annotated[SecretStr, AfterValidator(_smtp)] = Field(
        UNTOLD,
        description="Mail server for news of orders, where the order policy allows them. Unset: none are sent.",
        examples=["smtp://user:password@mail.example.com:587"],
    )
    mail_from: str = Field(
        "",
        description="Sender of that mail. Unset: the account's order mailbox.",
        examples=["connector@your-shop.example"],
    )
    store_url: HttpUrl = Field(
        "", description="A Magento of your own, for `connector demo --store`.", examples=["https://magento.example.com"]
    )
    store_consumer_key: SecretStr = Field(
        UNTOLD, description="Its integration: consumer key.", examples=["32 characters"]
    )
    store_consumer_secret: SecretStr = Field(
        UNTOLD, description="Its integration: consumer secret.", examples=["32 characters"]
    )
    store_access_token: SecretStr = Field(
        UNTOLD,
        description="Its integration: access token; alone, it is sent as a bearer token.",
        examples=["32 characters"],
    )
    store_access_token_secret: SecretStr = Field(
        UNTOLD, description="Its integration: access token secret.", examples=["32 characters"]
    )

    @classmethod
    def load(cls) -> Self:
        """The settings of this process's environment.

        Raises:
            ConfigurationError: one sentence for each wrong value and each unknown variable.
        """
        problems = _unknown(os.environ)
        try:
            settings = cls()
        except ValidationError as error:
            problems += [_sentence(detail) for detail in error.errors()]
            raise ConfigurationError("\n".join(problems)) from None
        if problems:
            raise ConfigurationError("\n".join(problems))
        return settings

    @model_validator(mode="after")
    def _fill(self) -> Self:
        """Fix what depends on other values, and make the folder absolute: a later `chdir` must not move it."""
        fill = self.__dict__.__setitem__  # the model is frozen for everybody else
        fill("var_dir", self.var_dir.expanduser().resolve())
        fill("database_url", self.database_url or f"sqlite:///{self.var_dir / 'connector.sqlite'}")
        shown = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104  # recognised, not bound
        fill("base_url", self.base_url.rstrip("/") or f"http://{shown}:{self.port}")
        return self

    @property
    def embedded_redis(self) -> bool:
        """True when the connector runs a Redis of its own."""
        return not self.redis_url

    @cached_property
    def redis_address(self) -> str:
        """Where Redis is: the operator's, or our own."""
        return self.redis_url or embedded.redis_url(self.var_dir)

    @property
    def installation(self) -> str:
        """Tells this installation from others on the machine, by its folder, which the text does not give away."""
        return hashlib.sha256(os.fsencode(self.var_dir)).hexdigest()[:16]

    @property
    def secure_cookies(self) -> bool:
        """Cookies travel over TLS only when the pages do."""
        return self.base_url.startswith("https://")

    @property
    def timeouts(self) -> tuple[float, float]:
        """Connect and read, in seconds, as `requests` takes them."""
        return self.connect_timeout, self.read_timeout

    def make_folder(self) -> None:
        """Make the var folder where there is none.

        Raises:
            ConfigurationError: it cannot be made there.
        """
        try:
            self.var_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"{self.var_dir} cannot be used: {error.strerror}. Set CONNECTOR_VAR_DIR to a folder of yours."
            ) from error

    def encryption_keys(self) -> list[str]:
        """Fernet keys: the first encrypts, all decrypt. A key file is made when none is set anywhere."""
        keys = [key.get_secret_value() for key in (self.secret_key, *self.secret_keys)]
        return [key for key in keys if key] or [kept_secret(self.var_dir / "secret.key", new_encryption_key())]

    def session_key(self) -> str:
        """What signs session cookies; kept in a file when it is not set."""
        return self.session_secret.get_secret_value() or kept_secret(
            self.var_dir / "session.key", secrets.token_urlsafe(48)
        )


def table() -> str:
    """Every variable as a Markdown table, for docs/operations.md (`python -m connector.settings` prints it)."""
    rows = ["| Variable | What it is | Default | Example |", "| --- | --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        shown = "" if isinstance(default, SecretStr) or default in ("", []) else f"`{str(default).lower()}`"
        example = (field.examples or [""])[0]
        rows.append(f"| `{PREFIX}{name.upper()}` | {field.description} | {shown} | {example} |")
    return "\n".join(rows)


def new_encryption_key() -> str:
    """A fresh key for CONNECTOR_SECRET_KEY."""
    return Fernet.generate_key().decode()


def kept_secret(path: Path, fresh: str) -> str:
    """The secret that the file `path` keeps; `fresh` is written there first when there is no file.

    Two processes that start at once end up with the same secret: the file appears whole or not at all.

    Raises:
        ConfigurationError: others may read the file, or it cannot be written.
    """
    try:
        if not path.exists():
            _write_once(path, fresh)
        if path.stat().st_mode & 0o077:
            raise ConfigurationError(f"Others can read {path}. Run: chmod 600 {path}")
        return path.read_text().strip()
    except OSError as error:
        raise ConfigurationError(
            f"{error.filename or path} cannot be used: {error.strerror}. Set CONNECTOR_VAR_DIR to a folder of yours."
        ) from error


def _write_once(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent) as new:  # made with mode 0600
        new.write(text + "\n")
        new.flush()
        os.fsync(new.fileno())
        try:
            Path(path).hardlink_to(new.name)
        except FileExistsError:
            return  # another process was first; its secret is the one


def _unknown(environment: Mapping[str, str]) -> list[str]:
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    problems = []
    for name in sorted(environment):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            near = difflib.get_close_matches(name.upper(), known, n=1)
            hint = f"did you mean {near[0]}?" if near else "unset it, or see docs/operations.md for those that exist."
            problems.append(f"{name} is not a setting; {hint}")
    return problems


def _sentence(detail: ErrorDetails) -> str:
    """What is wrong with one variable and what to write; a secret's value is not repeated."""
    name = str(detail["loc"][0]) if detail["loc"] else ""
    field = Settings.model_fields[name]
    reason = detail["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    secret = isinstance(field.default, SecretStr) or name == "secret_keys"
    value = "" if secret else f" is “{_without_password(str(detail['input']))}”, but"
    verb = "" if detail["type"] == "value_error" else " it should be"
    example = (field.examples or [""])[0]
    return f"{PREFIX}{name.upper()}{value or ' is wrong:'}{verb} {reason}. {field.description} Write for example: {example}"


def _without_password(text: str) -> str:
    address, separator, host = text.rpartition("@")
    return f"{address.partition('//')[0]}//…@{host}" if separator else text


if __name__ == "__main__":
    print(table())  # noqa: T201  # what this module does as a program
