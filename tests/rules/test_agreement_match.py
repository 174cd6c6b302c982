"""`connector rules match`: both engines give the same answer on a real catalogue, byte for byte."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from connector.cli.rules_sql import match_sql
from connector.rules.tools import Folder, match

RULES = """
segment sellable = status = "enabled" and qty > 0

assign "Tops" priority 10
where category under "Men/Tops" and @sellable and any variant (size in ("M", "L") and qty > 2)
assign "Everything else" where not (category under "Men/Tops") and price / (qty + 1) < 1
assign "Cheap" on account "Outlet" priority 1 where price between 5 and 30.5 and name contains "tank"
assign "Sets" priority 5 where every variant (color != "Red") and climate has any of ("Indoor", "Warm")

price "List"
  when category under "Gear" and price < 20 then price + 4
  when cost is not empty then cost * 1.6
  otherwise price + 12%
  round up to ending 0.99
  at most 70
price "From cost" otherwise cost / qty
"""


@pytest.mark.parametrize("currency", ["USD", "JPY"])
def test_both_engines_give_the_same_bytes(shared, tmp_path, currency):
    path = tmp_path / "all.rules"
    path.write_text(RULES, encoding="utf-8")
    folder, today = Folder.open(shared / "data/luma"), dt.date(2026, 11, 23)

    one, two = (run([path], folder, currency, today).as_json() for run in (match, match_sql))

    assert json.dumps(one) == json.dumps(two)
    assert all(one["assign"].values())
    assert one["prices"]["List"]
    assert one["held_back"]
    assert one["overlaps"]
