"""What commands share."""

from __future__ import annotations

import json
import socket

import pytest

from connector.cli import common
from connector.errors import ConfigurationError


def test_a_report_is_json_for_programs_and_text_for_people(capsys):
    common.report({"sku": "ä"}, as_json=True, text=lambda: "never")
    common.report({"sku": "ä"}, as_json=False, text=lambda: "one product")

    output = capsys.readouterr().out
    assert output == '{\n  "sku": "ä"\n}\none product\n'
    assert json.loads(output.rpartition("one")[0]) == {"sku": "ä"}


def test_a_table_aligns_its_columns_and_says_when_it_is_empty():
    assert common.table(["sku", "price"], [["A", 1], ["LONG-1", 22]]) == "sku     price\nA       1\nLONG-1  22"
    assert common.table(["sku"], [], empty="No products.") == "No products."


def test_progress_is_silent_without_a_terminal(capsys):
    with common.progress("Reading products", 3) as advance:
        advance(3)

    assert capsys.readouterr() == ("", "")


def test_a_port_in_use_is_named_with_what_to_set():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(ConfigurationError) as caught:
            common.require_free_port("127.0.0.1", port, "CONNECTOR_PORT")

    assert str(caught.value) == (
        f"Port {port} on 127.0.0.1 cannot be used: Address already in use. "
        "Stop the program that uses it, or set CONNECTOR_PORT."
    )


def test_an_address_that_this_machine_has_not_is_reported():
    with pytest.raises(ConfigurationError, match="cannot be used"):
        common.require_free_port("203.0.113.1", 8080, "CONNECTOR_PORT")
