"""Mail to the merchant about new store orders, where the order policy allows it."""

from __future__ import annotations

from connector.domain.values import digest
from connector.services import marks, placement
from connector.services.context import Context
from connector.store.models import Account, HistoryEntry, Order

FEED = "notices"
SENDING = "notices.sending"
"""The mark of how far the mail tells that was last handed over: beyond `FEED` while we have not noted that it was taken."""

NAMED = 20
"""Orders that one mail names; of more it says how many."""

NO_SERVER = "no mail server: set CONNECTOR_SMTP_URL"


def send(ctx: Context, account_id: int) -> str:
    """One mail about the store orders that were made since the last one, to the account's order mailbox; what was done.

    It names orders and nobody's name or address. A process that dies between the mail and our note of it sends it again: the
    same orders under the same Message-ID, by which mail systems know a double. What was made since is for the next mail.

    Raises:
        RetryableError, RejectedError: the mail server did not take it; the next run tries again.
    """
    account: Account = Account.get_by_id(account_id)
    newest, mark = _newest_entry(), marks.of(account, FEED)
    if mark == newest:
        return ""
    if mark is None or not placement.order_policy(account).notify:
        marks.advance(account, FEED, newest)  # what was made before it was allowed is no news
        return ""
    sending = marks.of(account, SENDING) or 0
    last = sending if sending > mark else newest
    rows = _made(account, mark, last)
    if rows and ctx.mailer is None:
        return NO_SERVER
    if rows and ctx.mailer is not None:
        marks.advance(account, SENDING, last)
        ctx.mailer.send(account.order_email, _subject(account, rows), _text(ctx, rows), _message_id(account, rows))
    marks.advance(account, FEED, last)
    return f"{len(rows)} orders told" if rows else ""


def _newest_entry() -> int:
    row = HistoryEntry.select(HistoryEntry.id).order_by(HistoryEntry.id.desc()).first()
    return int(row.id) if row else 0


def _made(account: Account, after: int, until: int) -> list[Order]:
    """Orders of the account that were confirmed in the store between two entries of the history."""
    entries = HistoryEntry.select(HistoryEntry.subject_id).where(
        HistoryEntry.action == "order.confirmed", HistoryEntry.id > after, HistoryEntry.id <= until
    )
    ids = {int(entry.subject_id) for entry in entries}
    return list(Order.select().where(Order.account == account.id, Order.id.in_(list(ids))).order_by(Order.id))


def _message_id(account: Account, rows: list[Order]) -> str:
    """The same for the same orders of the same shop, and for no others."""
    told = digest([account.shop_id, [row.tiktok_order_id for row in rows]])
    return f"<{told[:32]}.orders@{account.order_email.partition('@')[2]}>"


def _subject(account: Account, rows: list[Order]) -> str:
    noun = "order" if len(rows) == 1 else "orders"
    return f"{len(rows)} new {noun} from {account.title}"


def _text(ctx: Context, rows: list[Order]) -> str:
    lines = [f"Magento {row.magento_increment_id}, TikTok Shop {row.tiktok_order_id}" for row in rows[:NAMED]]
    if len(rows) > NAMED:
        lines.append(f"and {len(rows) - NAMED} more")
    return "\n".join([*lines, "", f"{ctx.base_url}/admin/orders/" if ctx.base_url else ""]).rstrip() + "\n"
