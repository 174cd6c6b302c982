"""Tokens in the database, renewed once however many ask."""

from __future__ import annotations

import multiprocessing
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.domain.shop import Tokens
from connector.errors import AuthorizationError, RetryableError
from connector.store.models import Account, Setting
from connector.store.vault import DatabaseVault, save_tokens
from tests.clients.rehearsal import Control
from tests.services import live


def pair(name: str, minutes: float) -> Tokens:
    now = live.Clock().now()
    return Tokens(f"a-{name}", now + timedelta(minutes=minutes), f"r-{name}", now + timedelta(days=30))


def soon() -> datetime:
    return live.Clock().now() + timedelta(minutes=5)


@pytest.fixture
def account(installation: None, control: Control) -> Account:
    made = live.add_account(control)
    save_tokens(made.id, pair("old", 0))
    return made


def test_a_pair_that_lasts_is_not_renewed(account: Account) -> None:
    save_tokens(account.id, pair("good", 60))
    calls: list[str] = []
    vault = DatabaseVault(account.id)
    assert vault.renew(lambda token: calls.append(token) or pair("x", 9), unless_newer_than=soon()) == vault.load()  # type: ignore[func-returns-value]
    assert calls == []


def test_a_renewed_pair_is_saved_whole_and_the_lease_given_back(account: Account) -> None:
    new = pair("new", 60)
    got = DatabaseVault(account.id).renew(lambda _token: new, unless_newer_than=soon())
    assert (got.access_token, got.refresh_token) == ("a-new", "r-new")
    assert DatabaseVault(account.id).load() == got
    assert Setting.get_by_id(f"token-lease:{account.id}").value == {}


def test_the_lease_is_given_back_after_a_refusal(account: Account) -> None:
    def refuse(_token: str) -> Tokens:
        raise AuthorizationError("no", system="tiktok")

    with pytest.raises(AuthorizationError):
        DatabaseVault(account.id).renew(refuse, unless_newer_than=soon())
    assert DatabaseVault(account.id).renew(lambda _token: pair("n", 60), unless_newer_than=soon())


def test_no_transaction_is_open_while_the_token_host_is_asked(account: Account) -> None:
    def refresh(_token: str) -> Tokens:
        writer = threading.Thread(target=lambda: save_title(account.id))
        writer.start()
        writer.join(5)
        assert not writer.is_alive()
        return pair("new", 60)

    DatabaseVault(account.id).renew(refresh, unless_newer_than=soon())
    assert Account.get_by_id(account.id).title == "Renamed"


def save_title(account_id: int) -> None:
    from connector.store.database import connection, transaction

    with connection(), transaction():
        Account.update(title="Renamed").where(Account.id == account_id).execute()


def test_a_lease_of_a_dead_process_runs_out(account: Account) -> None:
    waited: list[float] = []
    moment = live.Clock().now()
    stuck = DatabaseVault(account.id, longest_refresh=5, now=lambda: moment, sleep=waited.append)
    lease = stuck.lease
    until = (moment + lease / 2).timestamp()
    Setting.create(key=f"token-lease:{account.id}", value={"owner": "dead", "until": until})
    with pytest.raises(RetryableError, match="still renewing"):
        stuck.renew(lambda _token: pair("n", 60), unless_newer_than=soon())
    assert sum(waited) > lease.total_seconds()
    later = DatabaseVault(account.id, now=live.Clock(lease).now)
    assert later.renew(lambda _token: pair("n", 60), unless_newer_than=soon()).access_token == "a-n"


def test_nobody_else_refreshes_while_a_refresh_takes_its_longest(account: Account) -> None:
    asked: list[str] = []

    def enough(_seconds: float) -> None:
        raise TimeoutError

    def refresh(token: str) -> Tokens:
        asked.append(token)
        late = live.Clock(timedelta(seconds=40))
        second = DatabaseVault(account.id, longest_refresh=40, now=late.now, sleep=enough)
        with pytest.raises(TimeoutError):
            second.renew(refresh, unless_newer_than=soon())
        return pair("new", 60)

    DatabaseVault(account.id, longest_refresh=40).renew(refresh, unless_newer_than=soon())
    assert (asked, DatabaseVault(account.id).load().access_token) == (["r-old"], "a-new")


@pytest.mark.parametrize(("minutes", "kept"), [(50, "a-mine"), (70, "a-other")])
def test_of_two_pairs_that_were_issued_the_later_one_is_kept(account: Account, minutes: float, kept: str) -> None:
    """A process that was stopped for longer than its lease: another has renewed, or a seller consented, meanwhile."""

    def refresh(_token: str) -> Tokens:
        save_tokens(account.id, pair("other", minutes))
        return pair("mine", 60)

    got = DatabaseVault(account.id).renew(refresh, unless_newer_than=soon())
    assert (got.access_token, DatabaseVault(account.id).load().access_token) == (kept, kept)


def test_a_disconnected_account_is_not_connected_again_by_a_renewal(account: Account) -> None:
    def refresh(_token: str) -> Tokens:
        Account.update(refresh_token="", access_token="").where(Account.id == account.id).execute()
        return pair("new", 60)

    with pytest.raises(AuthorizationError, match="not connected"):
        DatabaseVault(account.id).renew(refresh, unless_newer_than=soon())
    assert Account.get_by_id(account.id).access_token == ""


def _renew_in_process(url: str, account_id: int, log: Path, start: Any) -> None:
    """Each refresh writes one line; two processes that both refresh leave two."""
    with live.installed(url):
        start.wait(30)

        def refresh(token: str) -> Tokens:
            with log.open("a", encoding="utf-8") as file:
                file.write(f"{token}\n")
            return replace(pair("new", 60))

        assert DatabaseVault(account_id).renew(refresh, unless_newer_than=soon()).access_token == "a-new"


def test_two_processes_at_once_refresh_once(account: Account, database_url: str, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    start, log = context.Event(), tmp_path / "refreshes"
    workers = [context.Process(target=_renew_in_process, args=(database_url, account.id, log, start)) for _ in range(2)]
    for worker in workers:
        worker.start()
    start.set()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert log.read_text(encoding="utf-8") == "r-old\n"
