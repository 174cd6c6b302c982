"""The one store order of a marketplace order: placed by a cart, corrected, confirmed (store reference, section 12.6).

Every step is committed before the next call to the store, so that a worker that dies is followed by one that looks first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from connector.domain import correction
from connector.domain.order import PLACEABLE, MarketplaceOrder, StoreOrder
from connector.domain.values import from_json
from connector.errors import ConfigurationError, ConnectorError, RejectedError, RetryableError, UnknownOutcomeError
from connector.plugins.policies.order import OrderPolicy
from connector.ports import Sales
from connector.services import carts, customers, direct_orders, history, policies
from connector.services.context import Context
from connector.services.stores import exchange_rate
from connector.store.database import transaction
from connector.store.models import Account, MagentoStore, Order, OrderLine, Product

LEASE = timedelta(minutes=3)
_REFUSED = "Refused while placing: "
_CLOSED = "404 "
"""Begins the reason when the cart was closed as it was to be placed."""

KEYS = ("ext_order_id", "customer_email", "quote_id")
"""By what a store order is recognised as the marketplace order's (store reference, section 12.6)."""

_HOLDABLE = frozenset({"new", "processing", "pending_payment"})
_OVER = frozenset({"canceled", "closed"})


def create_sales_order(ctx: Context, order_id: int, owner: str) -> str:
    """The store order's number as a sentence; makes the order, or goes on where an earlier worker stopped.

    Raises:
        RetryableError: another worker has it, the store did not answer, or a place call may still be running.
        ConnectorError: it cannot be made; the order is `failed` and says why.
    """
    row: Order = Order.get_by_id(order_id)
    if row.state == "confirmed" and row.external_written:
        return f"The store order {row.magento_increment_id} exists already."
    if not _claim(ctx, order_id, owner):
        raise RetryableError("Another worker has this order.", system="magento", retry_after=30)
    row = Order.get_by_id(order_id)
    try:
        return _Placement.of(ctx, row, owner).run()
    except RetryableError:
        raise
    except ConnectorError as error:
        _fail(ctx, row, owner, error)
        raise
    finally:
        with transaction():
            Order.update(lease_owner="", lease_until=None).where(
                Order.id == order_id, Order.lease_owner == owner
            ).execute()


def order_policy(account: Account) -> OrderPolicy:
    """What applies to the account's orders; raises ConfigurationError."""
    policy = policies.effective("order", account.order_policy)
    if not isinstance(policy, OrderPolicy):
        raise ConfigurationError(f"Account “{account.title}”: choose an order policy.")
    return policy


def order_email(account: Account, tiktok_order_id: str) -> str:
    """The mailbox with the order's id in its plus part: it names the order in the store before anything else does.

    Raises:
        ConfigurationError: the account has no mailbox.
    """
    name, at, host = account.order_email.partition("@")
    if not (name and at and host):
        raise ConfigurationError(f"Account “{account.title}”: set an order e-mail, such as orders@your-shop.example.")
    return f"{name}+{tiktok_order_id}@{host}"


def _claim(ctx: Context, order_id: int, owner: str) -> bool:
    now = ctx.clock.now()
    free = (Order.lease_owner == "") | Order.lease_until.is_null() | (Order.lease_until < now)
    with transaction():
        taken = Order.update(lease_owner=owner, lease_until=now + LEASE).where(Order.id == order_id, free).execute()
    return bool(taken)


def _fail(ctx: Context, row: Order, owner: str, error: ConnectorError) -> None:
    """A refusal. A corrected order keeps its state, and a place call that may still run stays noted.

    A setting that a person must change is no failure of the order: it is tried until the setting is right.
    """
    now, reason = ctx.clock.now(), str(error)
    counted = 0 if isinstance(error, ConfigurationError) else 1
    state = Order.get_by_id(row.id).state
    kept = state if state in {"corrected", "confirmed"} else "failed"
    with transaction():
        Order.update(state=kept, failed_reason=reason, failures=Order.failures + counted, changed_at=now).where(
            Order.id == row.id, Order.lease_owner == owner
        ).execute()
        if reason != row.failed_reason:  # the same setting may be missing for days
            history.note(now, "create_sales_order", "order.failed", "order", row.id, reason)


@dataclass
class _Placement:
    """One claim at work."""

    ctx: Context
    row: Order
    owner: str
    account: Account
    store: MagentoStore
    policy: OrderPolicy
    sales: Sales
    order: MarketplaceOrder
    email: str
    skus: dict[str, str]

    @classmethod
    def of(cls, ctx: Context, row: Order, owner: str) -> _Placement:
        account: Account = row.account
        store: MagentoStore = account.store
        policy = order_policy(account)
        lines = list(OrderLine.select().where(OrderLine.order == row.id))
        spelled = direct_orders.spelling(store, {line.sku for line in lines})
        skus = {line.line_id: spelled[line.sku.casefold()] for line in lines}
        return cls(
            ctx, row, owner, account, store, policy, ctx.remotes.sales(store), from_json(MarketplaceOrder, row.data),
            order_email(account, row.tiktok_order_id), skus,
        )  # fmt: skip

    def run(self) -> str:
        if self.row.state == "confirmed":
            self._write_back(self.sales.order(self._number()))
            return f"Store order {self.row.magento_increment_id}."
        if self.row.magento_order_id is None:
            self._check()
            found = self._look_up() or self._place()
            self._adopt(found)
        placed = self._settle_duplicates()
        if self.row.state != "corrected":
            placed = self._correct(placed)
        self._confirm(placed)
        return f"Store order {self.row.magento_increment_id}."

    def save(self, **changes: Any) -> None:
        """Commits a step and renews the claim.

        Raises:
            RetryableError: the claim ran out and another worker took the order.
        """
        now = self.ctx.clock.now()
        changes |= {"lease_until": now + LEASE, "changed_at": now}
        with transaction():
            kept = Order.update(changes).where(Order.id == self.row.id, Order.lease_owner == self.owner).execute()
        if not kept:
            raise RetryableError("The claim on this order ran out.", system="magento", retry_after=30)
        self.row = Order.get_by_id(self.row.id)

    def _number(self) -> int:
        """The store order's entity id, once there is one."""
        if self.row.magento_order_id is None:
            raise RejectedError("There is no store order yet.", system="magento")
        return int(self.row.magento_order_id)

    def _check(self) -> None:
        if self.order.status not in PLACEABLE:
            raise RejectedError(f"No store order is made while TikTok Shop says {self.order.status}.", system="tiktok")
        correction.amounts(self.order, self.policy.platform_discount, self.skus)
        customers.chosen(self.sales, self.store, self.policy)
        rows = Product.select(Product.sku).where(
            Product.store == self.store.id, Product.sku.in_(self._wanted()), Product.type_id.in_(list(carts.COMPOSITE))
        )
        if composite := sorted(row.sku for row in rows):
            raise RejectedError(carts.sold_by_parts(composite), system="magento")
        if self.store.base_currency and self.store.base_currency != self.order.payment.currency:
            exchange_rate(self.sales, self.store, self.order.payment.currency)

    def _wanted(self) -> list[str]:
        """The store SKUs of the units that are still wanted."""
        return sorted({self.skus[line.id] for line in self.order.open_lines})

    # ── looking before doing ─────────────────────────────────────────────────

    def _found(self, fields: Sequence[str] = KEYS) -> list[StoreOrder]:
        """Every store order of this marketplace order, by entity id."""
        values = {"ext_order_id": self.order.id, "customer_email": self.email, "quote_id": self.row.cart_id}
        found = {
            one.entity_id: one
            for field in fields
            if values[field]
            for one in self.sales.find_orders(field, values[field])
            if carts.belongs(one, self.order.id)
        }
        return [found[number] for number in sorted(found)]

    def _look_up(self, fields: Sequence[str] = KEYS) -> StoreOrder | None:
        found = self._found(fields)
        live = [one for one in found if one.state != "canceled"]
        if found and not live:
            raise RejectedError(
                f"The store order {found[0].increment_id} was cancelled in the store.", system="magento"
            )
        return live[0] if live else None

    def _wait_for_running_call(self) -> None:
        """A place call without an answer may still make its order until the time-out has passed."""
        if self.row.placing_since is None:
            return
        passed = (self.ctx.clock.now() - self.row.placing_since).total_seconds()
        if passed < self.ctx.place_timeout:
            raise RetryableError(
                "A place call may still be running; the store is asked again later.",
                system="magento",
                retry_after=max(self.ctx.place_timeout - passed, 1),
            )

    # ── placing ──────────────────────────────────────────────────────────────

    def _place(self) -> StoreOrder:
        """The new order. Called only when no look-up found one."""
        self._wait_for_running_call()
        refusal = self.row.failed_reason if self.row.state == "placing" else ""
        if refusal.startswith(_REFUSED):
            return self._directly(refusal.removeprefix(_REFUSED))
        if self.row.state != "placing":
            self.save(state="cart" if self.row.cart_id else "claimed", failed_reason="")
        try:
            return self._place_cart(self._fill_cart())
        except RetryableError:
            raise
        except RejectedError as error:
            return self._directly(str(error))

    def _fill_cart(self) -> str:
        """A cart with exactly the order's pieces, addressed; the payment method to place it with."""
        wanted = Counter(self.skus[line.id] for line in self.order.open_lines)
        closed = self.row.failed_reason.startswith(_CLOSED)
        if not self.row.cart_id or closed or not carts.holds(self.sales, self.row.cart_id, wanted):
            self.save(state="cart", cart_id=self.sales.create_cart(), placing_since=None, failed_reason="")
            carts.fill(self.sales, self.row.cart_id, wanted)
        address = carts.shippable(self.order.address, self.account.region)
        return carts.address_cart(self.sales, self.row.cart_id, address, self.email, self.policy)

    def _place_cart(self, payment_method: str) -> StoreOrder:
        found = self._look_up(("quote_id", "customer_email"))
        if found is not None:
            return found
        before = self.row.failed_reason
        self.save(state="placing", placing_since=self.ctx.clock.now(), failed_reason="")
        try:
            number = self.sales.place(self.row.cart_id, payment_method)
        except UnknownOutcomeError as error:
            self._note_unanswered(error, before)
            raise UnknownOutcomeError(
                str(error), system="magento", status=error.status, retry_after=self.ctx.place_timeout
            ) from error
        except RejectedError:
            self.save(placing_since=None)
            raise
        return self._read_placed(number)

    def _read_placed(self, number: int) -> StoreOrder:
        """The order that a place call made. It exists whatever a read says, so a refused one is no refusal of the order."""
        try:
            return self.sales.order(number)
        except RejectedError as error:
            text = f"The store made order {number} and cannot show it yet: {error}"
            raise RetryableError(text, system="magento", status=error.status, retry_after=5) from error

    def _note_unanswered(self, error: UnknownOutcomeError, before: str) -> None:
        """What the next try goes by. A 400 may be the lock's, which is over then: only the same one again is a refusal."""
        told = f"{error.status or ''} {error}"
        refused = told == before and told.startswith("400 ")
        self.save(failed_reason=f"{_REFUSED}{error}" if refused else told)

    def _directly(self, reason: str) -> StoreOrder:
        """One save with our own number, which the store takes once; no stock is reserved."""
        if not self.policy.direct_fallback:
            raise RejectedError(f"The store's cart refused the order: {reason}", system="magento")
        found = self._look_up()
        if found is not None:
            return found
        self.save(state="placing", failed_reason=f"{_REFUSED}{reason}")
        try:
            self.sales.save_order(
                direct_orders.entity(
                    self.ctx,
                    self.account,
                    self.order,
                    self.policy,
                    self.skus,
                    number=f"{self.policy.prefix}{self.order.id}",
                    email=self.email,
                )
            )
        except UnknownOutcomeError:
            self.save(placing_since=self.ctx.clock.now())
            raise
        except RejectedError:  # the number is taken when an earlier save went through after all
            found = self._look_up()
            if found is None:
                raise
            return found
        found = self._look_up()
        if found is None:
            raise RetryableError("The saved order is not visible yet.", system="magento", retry_after=5)
        history.note(
            self.ctx.clock.now(), "create_sales_order", "order.direct", "order", self.row.id,
            f"Saved directly, stock not reserved: {reason}",
        )  # fmt: skip
        return found

    # ── after placing ────────────────────────────────────────────────────────

    def _adopt(self, found: StoreOrder) -> None:
        self.save(
            state="placed",
            magento_order_id=found.entity_id,
            magento_increment_id=found.increment_id,
            magento_status=found.status,
            stored_at=self.ctx.clock.now(),
            stock_reserved=found.quote_id is not None,
            placing_since=None,
            failed_reason="",
        )

    def _settle_duplicates(self) -> StoreOrder:
        """The order that stays: the lowest number. Others that a race made are cancelled, which gives their stock back."""
        found = self._found()
        keep: StoreOrder = next((one for one in found if one.entity_id == self.row.magento_order_id), None) or (
            self.sales.order(self._number())
        )
        live = [one for one in found if one.state != "canceled"]
        if live and live[0].entity_id < keep.entity_id and self.row.state != "corrected":
            keep = live[0]
            self._adopt(keep)
        for other in found:
            if other.entity_id != keep.entity_id and other.increment_id not in self.row.duplicates:
                self._cancel_duplicate(other)
        return keep

    def _cancel_duplicate(self, other: StoreOrder) -> None:
        if other.state == "holded":  # a held order cannot be cancelled
            self.sales.unhold(other.entity_id)
        cancelled = other.state == "canceled" or self.sales.cancel(other.entity_id)
        outcome = "cancelled" if cancelled else "found; cancel it by hand"
        text = f"A second store order {other.increment_id} was {outcome}."
        self.save(duplicates=[*self.row.duplicates, other.increment_id])
        history.note(self.ctx.clock.now(), "create_sales_order", "order.duplicate", "order", self.row.id, text)

    def _correct(self, placed: StoreOrder) -> StoreOrder:
        """Amounts to the cent, while the order is held so that nobody invoices the shop's prices."""
        self._check_untouched(placed)
        if placed.state in _HOLDABLE:
            self.sales.hold(placed.entity_id)
        fresh = self.sales.order(placed.entity_id)
        self._check_untouched(fresh)
        rate = self._rate(fresh)
        entity = correction.body(self.order, fresh, self.policy.platform_discount, skus=self.skus, rate=rate)
        self.sales.save_order(entity)
        read = self.sales.order(placed.entity_id)
        wrong = correction.differences(entity, read)
        if wrong:
            raise RejectedError(
                f"Store order {read.increment_id} reads back wrong: {'; '.join(wrong)}.", system="magento"
            )
        self.save(state="corrected", failed_reason="")
        return read

    def _rate(self, placed: StoreOrder) -> Decimal:
        """What one unit of the order's currency is in the store's books: at the order's own rate where it is in that currency.

        The store keeps four decimals of it: nothing is left of a rate such as 0.00004.
        """
        currency, kept = self.order.payment.currency, Decimal(str(placed.raw.get("base_to_order_rate") or 0))
        return 1 / (kept if kept and placed.currency == currency else exchange_rate(self.sales, self.store, currency))

    def _check_untouched(self, placed: StoreOrder) -> None:
        """Raises RejectedError when somebody was quicker: corrected amounts would no longer fit the documents."""
        if placed.state in _OVER:
            raise RejectedError(f"Store order {placed.increment_id} was {placed.state} in the store.", system="magento")
        if placed.total_invoiced:
            raise RejectedError(
                f"Store order {placed.increment_id} was invoiced before its amounts were corrected.", system="magento"
            )

    def _confirm(self, placed: StoreOrder) -> None:
        """Released, named and invoiced; the customer's address replaces the key only now."""
        if placed.state == "holded":
            self.sales.unhold(placed.entity_id)
        customer = customers.chosen(self.sales, self.store, self.policy)
        numbers = {"entity_id": placed.entity_id, "increment_id": placed.increment_id, "ext_order_id": self.order.id}
        who = customers.enter(self.sales, numbers, customer, self.order, self.email)
        invoiced = self._invoice(placed) if self.policy.invoice else False
        read = self.sales.order(placed.entity_id)
        if invoiced and read.total_invoiced != read.grand_total:
            raise RejectedError(
                f"Store order {read.increment_id} is invoiced at {read.total_invoiced.normalize():f} instead of "
                f"{read.grand_total.normalize():f}.",
                system="magento",
            )
        if wrong := customers.difference(who, read):
            history.note(self.ctx.clock.now(), "create_sales_order", "order.customer", "order", self.row.id, wrong)
        self._assign_items(read)
        self.save(state="confirmed", magento_status=read.status, invoiced=invoiced, failed_reason="")
        history.note(
            self.ctx.clock.now(), "create_sales_order", "order.confirmed", "order", self.row.id,
            f"Store order {read.increment_id}, {read.grand_total.normalize():f} {read.currency}.",
        )  # fmt: skip
        self._write_back(read)

    def _invoice(self, placed: StoreOrder) -> bool:
        if placed.total_invoiced < placed.grand_total or not self.sales.invoices(placed.entity_id):
            self.sales.invoice(placed.entity_id)
        return True

    def _assign_items(self, placed: StoreOrder) -> None:
        by_sku = {item.sku.casefold(): item.item_id for item in placed.items if item.parent_item_id is None}
        with transaction():
            for line_id, sku in self.skus.items():
                OrderLine.update(store_item_id=by_sku.get(sku.casefold())).where(
                    OrderLine.order == self.row.id, OrderLine.line_id == line_id
                ).execute()

    def _write_back(self, placed: StoreOrder) -> None:
        if self.row.external_written:
            return
        by_sku = {item.sku.casefold(): str(item.item_id) for item in placed.items if item.parent_item_id is None}
        lines = {
            line.id: by_sku[self.skus[line.id].casefold()]
            for line in self.order.open_lines
            if self.skus[line.id].casefold() in by_sku
        }
        self.ctx.remotes.shop(self.account).write_external_order(self.order.id, placed.increment_id, lines)
        self.save(external_written=True)
