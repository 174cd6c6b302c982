"""News of store orders by mail: only when allowed, once, to the merchant, without a buyer's name (a real SMTP server)."""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from connector.clients.mail import SmtpMailer
from connector.errors import ConfigurationError, RejectedError, RetryableError
from connector.services import history, notices
from connector.store.models import Account, Order, Policy
from tests.services import world


class Mailbox(socketserver.ThreadingTCPServer):
    """Takes mail; answers the command that starts with `refuse` with the given code."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Session)
        self.mails: list[str] = []
        self.refuse: tuple[bytes, int] = (b"-", 0)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"


class Session(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a client needs."""

    server: Mailbox

    def handle(self) -> None:
        self._say(220)
        while line := self.rfile.readline():
            command, (refused, code) = line.strip().upper(), self.server.refuse
            if command.startswith(refused):
                self._say(code)
            elif command == b"DATA":
                self._say(354)
                self.server.mails.append("".join(line.decode() for line in iter(self.rfile.readline, b".\r\n")))
                self._say(250)
            else:
                self._say(221 if command == b"QUIT" else 250)

    def _say(self, code: int) -> None:
        self.wfile.write(f"{code} said\r\n".encode())


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def allowed(ctx: Any, account: Account, mailbox: Mailbox) -> Any:
    """News are allowed from now on; a context with a mail server."""
    Policy.create(
        title="Orders", type="order", settings={"notify": True}, is_default=True, created_at=world.START,
        updated_at=world.START,
    )  # fmt: skip
    Account.update(order_email="orders@shop.example").execute()
    notices.send(ctx, account.id)
    return replace(ctx, mailer=SmtpMailer(mailbox.url, "connector@shop.example"), base_url="https://connector.example")


def confirm(ctx: Any, account: Account, number: int) -> None:
    row = Order.create(
        account=account, tiktok_order_id=f"5764{number}", status="AWAITING_SHIPMENT", data={}, currency="USD",
        placed_at=world.START, imported_at=world.START, changed_at=world.START, buyer="Jordan Ellery",
        magento_increment_id=f"00000{number}",
    )  # fmt: skip
    history.note(ctx.clock.now(), "create_sales_order", "order.confirmed", "order", row.id)


def test_new_store_orders_are_told_once_in_one_mail(allowed, account, mailbox):
    for number in (1, 2):
        confirm(allowed, account, number)

    assert notices.send(allowed, account.id) == "2 orders told"
    assert notices.send(allowed, account.id) == ""

    (mail,) = mailbox.mails
    assert "To: orders@shop.example" in mail
    assert "From: connector@shop.example" in mail
    assert "Subject: 2 new orders from Luma US" in mail
    assert "Magento 000001, TikTok Shop 57641" in mail
    assert "https://connector.example/admin/orders/" in mail
    assert "Jordan" not in mail


def test_a_mail_that_was_sent_and_not_noted_is_sent_again_as_the_same_mail(allowed, account, mailbox, monkeypatch):
    """The process dies between the server's answer and our note; mail systems know the double by its Message-ID."""
    for number in (1, 2):
        confirm(allowed, account, number)
    real = notices.marks.advance

    def dies(account: Account, feed: str, mark: int) -> None:
        if feed == notices.FEED:
            raise KeyboardInterrupt
        real(account, feed, mark)

    with monkeypatch.context() as patch:
        patch.setattr(notices.marks, "advance", dies)
        with pytest.raises(KeyboardInterrupt):
            notices.send(allowed, account.id)
    confirm(allowed, account, 3)

    assert [notices.send(allowed, account.id) for _ in range(3)] == ["2 orders told", "1 orders told", ""]

    first, double, other = mailbox.mails
    assert first == double
    name = re.search(r"Message-ID: (<[0-9a-f]{32}\.orders@shop\.example>)", first)
    assert name is not None
    assert name.group(1) not in other
    assert "TikTok Shop 57643" in other


def test_nothing_is_told_that_is_not_allowed_or_was_made_before(allowed, account, mailbox):
    Policy.update(settings={"notify": False}).where(Policy.type == "order").execute()
    confirm(allowed, account, 1)
    assert notices.send(allowed, account.id) == ""
    Policy.update(settings={"notify": True}).where(Policy.type == "order").execute()
    assert notices.send(allowed, account.id) == ""
    assert mailbox.mails == []


def test_a_mail_that_could_not_go_is_sent_by_the_next_run(allowed, account, mailbox):
    confirm(allowed, account, 1)
    mailbox.refuse = (b"RCPT", 451)
    with pytest.raises(RejectedError, match="recipient"):
        notices.send(allowed, account.id)
    mailbox.refuse = (b"DATA", 451)
    with pytest.raises(RetryableError, match="said"):
        notices.send(allowed, account.id)
    mailbox.refuse = (b"-", 0)

    assert notices.send(allowed, account.id) == "1 orders told"
    assert len(mailbox.mails) == 1


def test_without_a_mail_server_the_row_of_recurring_work_says_so(allowed, account):
    confirm(allowed, account, 1)
    assert notices.send(replace(allowed, mailer=None), account.id) == notices.NO_SERVER


def test_a_server_that_is_not_there_is_an_outage(allowed, account, mailbox):
    confirm(allowed, account, 1)
    away = replace(allowed, mailer=SmtpMailer("smtp://127.0.0.1:1", ""))
    with pytest.raises(RetryableError, match="does not answer"):
        notices.send(away, account.id)


def test_a_password_is_never_sent_without_tls(mailbox):
    mailer = SmtpMailer(mailbox.url.replace("//", "//user:secret@"), "")
    with pytest.raises(RejectedError, match="offers no TLS"):
        mailer.send("orders@shop.example", "Subject", "Text", "<1@shop.example>")
    with pytest.raises(ConfigurationError, match="CONNECTOR_SMTP_URL must look like"):
        SmtpMailer("http://mail.example.com", "")
