"""Logging for people or for collectors, from which secrets and buyers' data have been taken out.

Every line, our own or a library's, passes `redact` as the last thing before it is written: the tracebacks too.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog

REDACTED = "[redacted]"

_SENSITIVE = (
    r"(?:[\w-]{0,40}(?:token|secret|password|passwd|passphrase|authorization|cookie|signature"
    r"|api[-_]?key|secret[-_]?key|auth[-_]?code|consumer[-_]?key)|sign|code_verifier)"
)
_SECRET_KEY = re.compile(_SENSITIVE, re.IGNORECASE)
_SECRET_IN_TEXT = re.compile(
    rf"""(?P<name>\b{_SENSITIVE}["']?\s*[=:]\s*)      # access_token=, "app_secret": , Authorization:
         (?P<value>b?"[^"]*"|b?'[^']*'|(?:(?:Bearer|Basic|OAuth)\s+)?[^\s"'&,;<>}})\]]+)""",
    re.IGNORECASE | re.VERBOSE,
)
_CREDENTIALS = re.compile(r"\b(?P<scheme>Bearer|Basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE)
_PASSWORD_IN_URL = re.compile(r"(?P<user>://[^\s/@:]*):[^\s/@]+@")

_PERSON_KEY = re.compile(
    r"(?:[\w-]*(?:e?mail|phone|telephone|mobile)(?:[-_]number|[-_]address)?|recipient[-_]name|buyer[-_]name|full[-_]name"
    r"|first[-_]?name|last[-_]?name|street|address[-_]line\d?|full[-_]address|address[-_]detail)",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"\b(?P<first>[\w%+-])[\w.%+-]*@(?P<domain>[\w-]+(?:\.[\w-]+)+)")
_PHONE = re.compile(r"(?<![\w.])(?:\+\d[\d\s().-]{6,}\d|\(\d{3}\)\s?\d{3}-\d{4}|\d{3}-\d{3}-\d{4})(?![\w])")
"""Only what is written like a telephone number: order and product ids are long runs of digits too."""


def redact_text(text: str) -> str:
    """The text without secrets in URLs, headers and JSON, and with e-mail addresses and telephone numbers masked."""
    text = _SECRET_IN_TEXT.sub(rf"\g<name>{REDACTED}", text)
    text = _CREDENTIALS.sub(rf"\g<scheme> {REDACTED}", text)
    text = _PASSWORD_IN_URL.sub(rf"\g<user>:{REDACTED}@", text)
    text = _EMAIL.sub(r"\g<first>***@\g<domain>", text)
    return _PHONE.sub(lambda match: mask(match.group()), text)


def mask(value: str) -> str:
    """Enough of a name, an address or a number to recognise it, not to use it: `J***`, `***10`."""
    if not value:
        return value
    return f"***{value[-2:]}" if value[-1].isdigit() else f"{value[0]}***"


def redact(value: Any, key: str = "") -> Any:
    """The same value, without secrets: by the name that it goes by, and within texts. Looks into dicts and lists."""
    if _SECRET_KEY.fullmatch(key):
        return REDACTED if value not in (None, "", b"") else value
    if isinstance(value, Mapping):
        return {name: redact(inner, str(name)) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(inner, key) for inner in value]
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, str):
        return _person(value) if _PERSON_KEY.fullmatch(key) else redact_text(value)
    if value is None or isinstance(value, bool | int | float):
        return mask(str(value)) if value and _PERSON_KEY.fullmatch(key) else value
    return redact_text(str(value))


def configure(level: str = "info", *, as_json: bool = False, stream: TextIO | None = None) -> None:
    """Send every log line of this process to `stream` (standard error), redacted. Calling it again replaces the first."""
    output = stream or sys.stderr
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    renderer = (
        structlog.processors.JSONRenderer(default=str, ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=output.isatty(), exception_formatter=structlog.dev.plain_traceback)
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _redact_event, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("urllib3", "requests_oauthlib", "oauthlib", "peewee"):  # they log headers, tokens or every statement
        logging.getLogger(noisy).setLevel(max(logging.INFO, root.level))
    logging.captureWarnings(capture=True)


def _redact_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: value if key == "timestamp" else redact(value, key) for key, value in event.items()}


def _person(value: str) -> str:
    return _EMAIL.sub(r"\g<first>***@\g<domain>", value) if "@" in value else mask(value)
