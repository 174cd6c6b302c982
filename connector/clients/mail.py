"""Mail to the merchant over SMTP (RFC 5321), with TLS where the server offers it."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from connector.errors import ConfigurationError, RejectedError, RetryableError

SYSTEM = "mail"
SUBMISSION, SMTPS = 587, 465
TIMEOUT = 20.0


class SmtpMailer:
    """One mail server: `smtp://user:password@host:587` (STARTTLS where it is offered) or `smtps://…:465`.

    A password is never sent without TLS. Raises ConfigurationError for another kind of address.
    """

    def __init__(self, url: str, sender: str) -> None:
        self._parts = urlsplit(url)
        self._sender = sender
        if self._parts.scheme not in {"smtp", "smtps"} or not self._parts.hostname:
            raise ConfigurationError("CONNECTOR_SMTP_URL must look like smtp://user:password@mail.example.com:587.")

    def send(self, to: str, subject: str, text: str, message_id: str) -> None:
        """One plain text message. The same `message_id` (`<unique@host>`, RFC 5322) says that it is the same mail again.

        Raises:
            RetryableError: the server does not answer, or asks to try later.
            RejectedError: it refuses the sender, the recipient or our password.
        """
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender or to, to, subject
        message["Message-ID"] = message_id
        message.set_content(text)
        try:
            with self._connect() as server:
                self._prepare(server)
                server.send_message(message)
        except smtplib.SMTPResponseException as error:
            kind = RetryableError if 400 <= error.smtp_code < 500 else RejectedError
            raise kind(f"The mail server refuses: {_words(error.smtp_error)}", system=SYSTEM) from error
        except smtplib.SMTPRecipientsRefused as error:
            raise RejectedError(f"The mail server refuses the recipient {to}.", system=SYSTEM) from error
        except (smtplib.SMTPException, OSError) as error:
            raise RetryableError(f"The mail server {self._parts.hostname} does not answer.", system=SYSTEM) from error

    def _connect(self) -> smtplib.SMTP:
        host, port = str(self._parts.hostname), self._parts.port
        if self._parts.scheme == "smtps":
            return smtplib.SMTP_SSL(host, port or SMTPS, timeout=TIMEOUT, context=ssl.create_default_context())
        return smtplib.SMTP(host, port or SUBMISSION, timeout=TIMEOUT)

    def _prepare(self, server: smtplib.SMTP) -> None:
        server.ehlo()
        secure = self._parts.scheme == "smtps"
        if not secure and server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
            secure = True
        if self._parts.username:
            if not secure:
                raise RejectedError("The mail server offers no TLS: no password is sent to it.", system=SYSTEM)
            server.login(unquote(self._parts.username), unquote(self._parts.password or ""))


def _words(answer: bytes | str) -> str:
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
