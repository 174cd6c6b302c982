"""The one store order of a marketplace order: placed by a cart, corrected, confirmed (store reference, section 12.6).

Every step is committed before the next call to the store, so that a worker that dies is followed by one that looks first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain, count

from connector.domain import correction
from connector.domain.order import PLACEABLE, MarketplaceOrder, StoreOrder
from connector.domain.values import from_json
from connector.errors import (
    CartRefusedError,
    ConfigurationError,
    ConnectorError,
    RejectedError,
    RetryableError,
    UnknownOutcomeError,
)
from connector.plugins.policies.order import OrderPolicy
from connector.services import carts, confirming, customers, direct_orders, history, policies, store_orders
from connector.services.claims import LEASE, Claim, store_skus
from connector.services.confirming import OVER
from connector.services.context import Context
from connector.services.stores import exchange_rate
from connector.store.database import transaction
from connector.store.models import Account, MagentoStore, Order, Product

LOOK_EVERY = 30.0
"""Seconds between two looks for the order of a call that was not answered: most are there at once."""

_REFUSED = "Refused while placing: "
_ONCE = "Refused once, tried again with a new cart: "
_CLOSED = "404 "
"""Begins the reason when the cart was closed as it was to be placed."""

_REFUSAL = "400"
"""Code of a place call's error that may be the cart's refusal; one without the store's own words has another."""


def create_sales_order(ctx: Context, order_id: int, owner: str, *, anew: bool = False) -> str:
    """The store order's number as a sentence; makes the order, or goes on where an earlier worker stopped.

    `anew` says that a person asks for it: then an order that staff ended in the store is followed by another one.

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
        return _Placement.of(ctx, row, owner, anew=anew).run()
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
    if found := store_orders.email(account, tiktok_order_id):
        return found
    raise ConfigurationError(f"Account “{account.title}”: set an order e-mail, such as orders@your-shop.example.")


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
class _Placement(Claim):
    """One claim at work."""

    anew: bool

    @classmethod
    def of(cls, ctx: Context, row: Order, owner: str, *, anew: bool) -> _Placement:
        account: Account = row.account
        store: MagentoStore = account.store
        policy = order_policy(account)
        return cls(
            ctx, row, owner, account, store, policy, ctx.remotes.sales(store), from_json(MarketplaceOrder, row.data),
            order_email(account, row.tiktok_order_id), store_skus(store, row), anew,
        )  # fmt: skip

    def run(self) -> str:
        if self.row.state == "confirmed":
            confirming.write_back(self, self.sales.order(self.number()))
            return f"Store order {self.row.magento_increment_id}."
        placed = self._placed()
        if self.row.state != "corrected":
            placed = confirming.correct(self, placed)
        confirming.confirm(self, placed)
        return f"Store order {self.row.magento_increment_id}."

    def _placed(self) -> StoreOrder:
        """The store order: known, found, or made now."""
        placed = self._settle_duplicates() if self.row.magento_order_id is not None else None
        if placed is not None and not (self.anew and self.row.state != "corrected" and placed.state in OVER):
            return placed
        if placed is not None:
            self.save(state="claimed", magento_order_id=None, magento_increment_id="", cart_id="", stored_at=None)
        self._check()
        self._adopt(self._look_up() or self._place())
        return self._settle_duplicates()

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

    def _found(self, fields: Sequence[str] = store_orders.KEYS) -> list[StoreOrder]:
        return store_orders.found(self.sales, self.row, fields)

    def _look_up(self, fields: Sequence[str] = store_orders.KEYS) -> StoreOrder | None:
        """The order that there is; one that staff ended is none when a person asks for another."""
        found = self._found(fields)
        live = [one for one in found if one.state not in OVER]
        if found and not live and not self.anew:
            raise confirming.ended(found[-1])
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
                retry_after=min(max(self.ctx.place_timeout - passed, 1), LOOK_EVERY),
            )

    # ── placing ──────────────────────────────────────────────────────────────

    def _place(self) -> StoreOrder:
        """The new order. Called only when no look-up found one."""
        self._wait_for_running_call()
        before = self.row.failed_reason
        if self.row.state == "placing" and before.startswith(_REFUSED):
            return self._directly(before.removeprefix(_REFUSED))
        if self.row.state != "placing":
            self.save(state="cart" if self.row.cart_id else "claimed", failed_reason="")
        self._read_again()
        try:
            return self._place_cart(self._fill_cart())
        except CartRefusedError as error:
            return self._refused(error, before)

    def _read_again(self) -> None:
        """The order as it is now that its row says that it is being placed: the look-up before may have taken long."""
        self.row = Order.get_by_id(self.row.id)
        order = from_json(MarketplaceOrder, self.row.data)
        if order != self.order:
            self.order, self.skus = order, store_skus(self.store, self.row)
            self._check()

    def _refused(self, error: CartRefusedError, before: str) -> StoreOrder:
        """A direct save is for what the cart itself refuses, for sure or twice: a lock that was held may say the same once."""
        told = f"{_ONCE}{error.text}"
        if error.sure or told == before:
            return self._directly(str(error))
        self.save(state="cart", cart_id="", failed_reason=told)
        raise RetryableError(f"{error} It is tried again with a new cart.", system="magento", retry_after=LOOK_EVERY)

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
        before, look = self.row.failed_reason, self.row.look_again_at
        now = self.ctx.clock.now()
        unanswered = {
            "placing_since": now,
            "look_again_at": look or now + timedelta(seconds=2 * self.ctx.place_timeout),
        }
        self.save(state="placing", failed_reason="", sent_carts=self._sent(self.row.cart_id), **unanswered)
        try:
            number = self.sales.place(self.row.cart_id, payment_method)
        except UnknownOutcomeError as error:
            self._note_unanswered(error, before)
            raise UnknownOutcomeError(
                str(error), system="magento", status=error.status, retry_after=min(LOOK_EVERY, self.ctx.place_timeout)
            ) from error
        except ConnectorError:  # refused, or not even sent
            self.save(placing_since=None, look_again_at=look)
            raise
        self.save(look_again_at=look)
        return self._read_placed(number)

    def _sent(self, cart_id: str) -> dict[str, list[str]]:
        """What was sent to the store to be made an order, with this: line ids by cart."""
        return {**self.row.sent_carts, cart_id: [line.id for line in self.order.open_lines]}

    def _read_placed(self, number: int) -> StoreOrder:
        """The order that a place call made. It exists whatever a read says, so a refused one is no refusal of the order."""
        try:
            return self.sales.order(number)
        except RejectedError as error:
            text = f"The store made order {number} and cannot show it yet: {error}"
            raise RetryableError(text, system="magento", status=error.status, retry_after=5) from error

    def _note_unanswered(self, error: UnknownOutcomeError, before: str) -> None:
        """What the next try goes by. A 400 may be the lock's, which is over then: only the same one again is a refusal."""
        told = f"{error.status or ''} {error}".strip()
        refused = told == before and error.code == _REFUSAL
        self.save(failed_reason=f"{_REFUSED}{error}" if refused else told)

    def _directly(self, reason: str) -> StoreOrder:
        """One save with our own number, which the store takes once; no stock is reserved."""
        if not self.policy.direct_fallback:
            raise RejectedError(f"The store's cart refused the order: {reason}", system="magento")
        found = self._look_up()
        if found is not None:
            return found
        entity = direct_orders.entity(
            self.ctx,
            self.account,
            self.order,
            self.policy,
            self.skus,
            number=self._free_number(),
            email=self.email,
        )
        before = self.row.sent_carts
        self.save(state="placing", failed_reason=f"{_REFUSED}{reason}", sent_carts=self._sent(""))
        try:
            self.sales.save_order(entity)
        except UnknownOutcomeError:
            self.save(placing_since=self.ctx.clock.now())
            raise
        except RejectedError:  # the number is taken when an earlier save went through after all
            found = self._look_up()
            if found is None:
                self.save(sent_carts=before)
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

    def _free_number(self) -> str:
        """Our own number, which the store takes once; another one after an order that staff ended."""
        number, taken = f"{self.policy.prefix}{self.order.id}", {one.increment_id for one in self._found()}
        others = (f"{number}-{attempt}" for attempt in count(2))
        return next(one for one in chain([number], others) if one not in taken)

    # ── after placing ────────────────────────────────────────────────────────

    def _adopt(self, found: StoreOrder) -> None:
        """Takes it for the order's."""
        now = self.ctx.clock.now()
        self.save(
            **store_orders.taken(self.row, found, now),
            state="placed",
            placing_since=None,
            look_again_at=self.row.look_again_at and now + timedelta(seconds=self.ctx.place_timeout),
            failed_reason="",
        )

    def _settle_duplicates(self) -> StoreOrder:
        """The order that stays: the lowest number. Others that a race made are cancelled, which gives their stock back."""
        found = self._found()
        keep: StoreOrder = next((one for one in found if one.entity_id == self.row.magento_order_id), None) or (
            self.sales.order(self.number())
        )
        live = [one for one in found if one.state not in OVER]
        older = live and (live[0].entity_id < keep.entity_id or keep.state in OVER)
        if older and self.row.state != "corrected":
            keep = live[0]
            self._adopt(keep)
        for other in store_orders.seconds(self.row, keep.entity_id, found):
            self.save()  # the claim, before each change
            store_orders.cancel_second(self.ctx, self.row, self.sales, other)
        return keep
