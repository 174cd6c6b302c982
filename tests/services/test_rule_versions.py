"""Versions of an installation, and the rule commands on its own store."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from connector.cli import connector
from connector.domain.values import to_json
from connector.errors import ConfigurationError, RuleError
from connector.services import assignment, publishing, rulesets
from connector.services.context import Context
from connector.services.drafter import Drafter
from connector.services.rule_source import StoreProducts
from connector.store.database import database, disconnect
from connector.store.models import (
    Account,
    Listing,
    ListingTemplate,
    MagentoStore,
    PeriodicTask,
    Policy,
    Product,
    RuleSetVersion,
)
from tests.services import world
from tests.services.rule_shop import RULES, activate, family, open_shop, product


@pytest.fixture
def shop(account: Account, database_url: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Account:
    """A store with a configurable and two simple products; commands find its database."""
    monkeypatch.setenv("CONNECTOR_DATABASE_URL", database_url)
    monkeypatch.setenv("CONNECTOR_VAR_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("CONNECTOR_SECRET_KEYS", world.KEY)
    monkeypatch.chdir(tmp_path)
    made = open_shop(account)
    family()
    product(9, price="15", margin="4")
    product(10, price="99")
    return made


def run(*arguments: object) -> Result:
    """A command, which binds the models to a handle of its own; the handle before it is closed."""
    disconnect()
    result = CliRunner().invoke(connector, ["rules", *map(str, arguments)])
    database.connect(reuse_if_open=True)
    return result


def answer(*arguments: object) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout)


def write(tmp_path: Any, text: str, name: str = "a.rules") -> Any:
    (tmp_path / name).write_text(text)
    return tmp_path / name


def test_a_version_is_saved_listed_and_activated_by_its_number(shop: Account, tmp_path: Any) -> None:
    path = write(tmp_path, RULES)
    first = answer("activate", path, "--note", "to begin with")
    write(tmp_path, RULES.replace("20", "30"))
    second = answer("save", path)

    assert (first["number"], first["active"], second["number"], second["active"]) == (1, True, 2, False)
    listed = answer("versions")
    assert [(each["number"], each["active"], each["note"]) for each in listed] == [
        (2, False, ""),
        (1, True, "to begin with"),
    ]
    assert answer("activate", 2) == {"number": 2, "sha256": listed[0]["sha256"], "active": True}
    assert answer("activate", 2)["number"] == 2, "the same text is the same version"
    assert [row.number for row in RuleSetVersion.select().where(RuleSetVersion.active)] == [2]


def test_activating_makes_assignment_due_at_once(ctx: Context, shop: Account, tmp_path: Any) -> None:
    later = ctx.clock.now().replace(year=2040)
    PeriodicTask.create(name=f"assign:{shop.id}", every_seconds=3600, next_at=later)
    answer("activate", write(tmp_path, RULES))
    assert PeriodicTask.get_by_id(f"assign:{shop.id}").next_at < later


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('assign "Cheap" where prise < 2', "did you mean `price`?"),
        ('assign "Cheap" where price < 2 test "t" given price = 3 expect assign "Cheap"', "joins no template"),
        ('assign "Cheap" where', "expected a condition"),
    ],
)
def test_a_broken_set_leaves_the_last_good_version_active(
    ctx: Context, shop: Account, tmp_path: Any, text: str, says: str
) -> None:
    activate(ctx)
    result = run("activate", write(tmp_path, text))

    assert result.exit_code == 1
    told = result.output + str(result.exception or "")
    assert says in told
    assert "Traceback" not in result.output
    assert [(row.number, row.active) for row in RuleSetVersion.select()] == [(1, True)]
    with pytest.raises((RuleError, ConfigurationError), match=r"Cheap|condition|prise|joins"):
        rulesets.save(ctx, {"a.rules": text}, "test")


def test_a_version_that_is_not_there_is_refused(shop: Account) -> None:
    result = run("activate", "77")
    assert isinstance(result.exception, ConfigurationError)
    assert "There is no version 77" in str(result.exception)


def test_tools_use_the_products_of_the_store_without_a_folder(ctx: Context, shop: Account, tmp_path: Any) -> None:
    path = write(
        tmp_path,
        RULES
        + 'price "List" otherwise price + margin test "t" given price = 3, status = "enabled" expect assign "Cheap"',
    )

    python, sql = answer("match", path), answer("match", path, "--engine", "sql")
    assert python == sql
    assert python["assign"] == {"Cheap": ["P0009"], "Reds": ["P0001"]}
    assert python["prices"] == {"List": {"P0009": "19.00"}}
    assert [each["passed"] for each in answer("test", path)] == [True]
    codes = {each["code"]: each["message"] for each in answer("check", path)}
    assert codes["unused"] == "no template uses the price “List”"
    assert "P0001 matches both" in codes["overlap"]


def test_check_knows_which_prices_templates_use(ctx: Context, shop: Account, tmp_path: Any) -> None:
    path = write(
        tmp_path, 'price "List" otherwise price price "Base" otherwise price price "Sum" otherwise price of "Base" + 1'
    )
    assert [each["message"] for each in answer("check", path) if each["code"] == "unused"] == [
        "no template uses the price “List”",
        "no template uses the price “Base”",
        "no template uses the price “Sum”",
    ]
    used = Policy.create(
        title="By rule",
        type="pricing",
        settings={"change": "rule", "rule": "Sum"},
        created_at=world.START,
        updated_at=world.START,
    )
    ListingTemplate.update(pricing_policy=used).where(ListingTemplate.name == "Rest").execute()
    assert [each["message"] for each in answer("check", path) if each["code"] == "unused"] == [
        "no template uses the price “List”"
    ]


def test_check_names_templates_that_are_not_there(ctx: Context, shop: Account, tmp_path: Any) -> None:
    path = write(tmp_path, 'assign "Cheep" where price < 20 assign "Rest" where price > 50')
    (unknown,) = [each for each in answer("check", path) if each["code"] == "unknown-template"]
    assert (unknown["message"], unknown["hint"], unknown["severity"]) == (
        "no template is called “Cheep” yet",
        'did you mean "Cheap"?',
        "warning",
    )


def test_preview_and_diff_compare_with_the_active_version(ctx: Context, shop: Account, tmp_path: Any) -> None:
    activate(ctx)
    path = write(tmp_path, RULES.replace("price < 20", "price < 100"))

    found = answer("preview", path)
    assert found["assign"]["Cheap"] == {"before": 1, "after": 2, "gained": ["P0010"], "lost": []}
    changed = answer("diff", "active", path)["changes"]
    assert [(each["what"], each["kind"], each["name"]) for each in changed] == [("changed", "assign", "Cheap")]
    answer("save", path)
    assert answer("diff", 1, 2)["changes"] == changed
    assert answer("diff", 1, 2, "--effect")["effect"]["assign"] == found["assign"]
    assert run("diff", 1, 1).stdout == "The rules say the same.\n"


def test_preview_on_a_folder_without_an_installation_compares_with_nothing(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.rules.test_products import json_product, write_folder

    monkeypatch.setenv("CONNECTOR_VAR_DIR", str(tmp_path / "nowhere"))
    monkeypatch.delenv("CONNECTOR_DATABASE_URL", raising=False)
    (tmp_path / "catalogue").mkdir()
    folder = write_folder(tmp_path / "catalogue", [json_product(id=1, sku="A", price=10)])
    result = CliRunner().invoke(
        connector,
        ["rules", "preview", str(write(tmp_path, 'assign "T" where price > 1')), "--catalog", str(folder), "--json"],
    )
    assert json.loads(result.stdout)["assign"]["T"]["gained"] == ["A"]
    assert not (tmp_path / "nowhere").exists(), "a look at a folder makes no installation"


def test_explain_says_what_was_decided_by_which_version(ctx: Context, shop: Account) -> None:
    activate(ctx)
    assignment.run(ctx, shop)

    found = answer("explain", "P0002")
    assert [(each["template"], each["joins"]) for each in found["assignments"]] == [("Reds", True), ("Cheap", False)]
    (decision,) = found["decisions"]
    assert (decision["template"], decision["version"], decision["file"], decision["line"]) == ("Reds", 1, "a.rules", 3)
    assert decision["inputs"]["variants"]["P0002"] == {"color": "red", "qty": "3"}
    shown = run("explain", "P0009").stdout
    assert "in “Luma US”: Cheap, by “Cheap” (a.rules:2 of version 1)" in shown
    Listing.update(pinned=True).execute()
    assert "pinned by hand" in run("explain", "P0009").stdout


def test_an_unknown_sku_is_named(ctx: Context, shop: Account) -> None:
    activate(ctx)
    with pytest.raises(ConfigurationError, match="no product with the SKU “X”"):
        StoreProducts.of(MagentoStore.get()).find("X")
    assert isinstance(run("explain", "X").exception, ConfigurationError)


def test_without_store_and_folder_a_sentence_says_what_to_do(
    account: Account, database_url: str, monkeypatch: Any, tmp_path: Any
) -> None:
    monkeypatch.setenv("CONNECTOR_DATABASE_URL", database_url)
    monkeypatch.setenv("CONNECTOR_VAR_DIR", str(tmp_path / "var"))
    result = run("match", write(tmp_path, RULES))
    assert isinstance(result.exception, ConfigurationError)
    assert "Nothing is known of Luma yet" in str(result.exception)
    assert "no store called “Nope”" in str(run("match", write(tmp_path, RULES), "--store", "Nope").exception)


def test_a_price_decision_keeps_version_rule_line_and_inputs(ctx: Context, shop: Account) -> None:
    """They stay with the draft, and do not make it another draft."""
    policy = Policy.create(
        title="By rule", type="pricing", settings={"change": "rule", "rule": "List"}, created_at=world.START, updated_at=world.START
    )  # fmt: skip
    ListingTemplate.update(pricing_policy=policy, package_weight="1").where(ListingTemplate.name == "Cheap").execute()
    Account.update(warehouse_id="W1", region="US").execute()
    text = RULES + 'price "List"\nwhen color = "Blue" then 1\nwhen margin > 3 then price + margin\notherwise price * 2'
    activate(ctx, text)
    assignment.run(ctx, shop)
    row = Listing.select().join(Product).where(Product.sku == "P0009").get()

    drafted = Drafter(ctx, Account.get_by_id(shop.id)).draft(row, publishing.confirmed(row))

    assert drafted.draft is not None, drafted.issues
    (sku,) = drafted.draft.skus
    assert {name: sku.decision[name] for name in ("version", "rule", "file", "line", "case", "inputs")} == {
        "version": 1,
        "rule": "List",
        "file": "a.rules",
        "line": 6,
        "case": "when margin > 3",
        "inputs": {"color": "", "margin": "4", "price": "15"},
    }
    assert [step["amount"] for step in sku.decision["steps"]] == ["19", "19"]
    later = replace(drafted.draft, skus=(replace(sku, decision={**sku.decision, "version": 2}),))
    assert (later.digest(), later.content_digest()) == (drafted.draft.digest(), drafted.draft.content_digest())
    Listing.update(draft=to_json(drafted.draft)).where(Listing.id == row.id).execute()
    assert answer("explain", "P0009")["decisions"][0]["prices"]["P0009"]["line"] == 6
