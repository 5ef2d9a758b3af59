"""The log for other programs: CSV that no spreadsheet runs, and OCSF as its own schema has it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import jsonschema
import pytest

from approvals import audit
from approvals.audit import GENESIS, ocsf, sheet
from approvals.audit.lineage import lost
from approvals.request import State
from tests.approvals.doubles import ANA, CARLA, House
from tests.approvals.logs import KEY

SCHEMA = json.loads((Path(__file__).parent / "ocsf_schema" / "api_activity.1.8.0.json").read_text())


def lived(house: House) -> None:
    """Every kind of entry that there is an idea behind."""
    house.ledger.pulse(house.clock).start("all", {"version": "0.1.0"})
    house.gate.run(house.approved().id)
    denied = house.asked()
    house.gate.decide(denied.id, denied.plan.digest, CARLA, approve=False, reason='=HYPERLINK("x")')
    house.gate.turned_away(ANA, "unknown_service", "I know no service crat.")
    house.ledger.note("audit.key.rotated", lost("", KEY.verifier))
    house.ledger.note("clock.stepped", {"process": "p", "seconds": 60})


def test_every_entry_is_an_api_activity_that_ocsfs_schema_takes(house: House) -> None:
    """The schema is OCSF's own (see its LICENSE); every attribute that we write is one it has."""
    lived(house)
    checker = jsonschema.Draft202012Validator(SCHEMA)
    events = [json.loads(ocsf.as_line(entry)) for entry in house.ledger.entries()]
    assert [error.message for event in events for error in checker.iter_errors(event)] == []
    assert not any("app_name" in event["actor"] for event in events)
    submitted = next(event for event in events if event["metadata"]["event_code"] == "request.submitted")
    assert (submitted["actor"]["user"]["uid"], submitted["activity_name"]) == (ANA.user_id, "Create")
    assert submitted["resources"] == [{"name": "checkout", "type": "service", "namespace": "prod"}]
    assert {event["status_id"] for event in events if event["metadata"]["event_code"] == "request.denied"} == {2}


def test_the_schema_refuses_what_is_no_event(house: House) -> None:
    """So that the test above can fail."""
    lived(house)
    event = ocsf.event(next(iter(house.ledger.entries())))
    checker = jsonschema.Draft202012Validator(SCHEMA)
    for name, value in (("time", "now"), ("actor", {}), ("class_uid", 6004), ("colour", "red"), ("type_uid", 1)):
        assert not checker.is_valid({**event, name: value})
    for needed in SCHEMA["required"]:
        assert not checker.is_valid({name: value for name, value in event.items() if name != needed})


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝"])
def test_no_cell_of_a_csv_is_a_formula(start: str) -> None:
    """OWASP, CSV injection: whatever a name or a kind begins with."""
    forged = f"{start}cmd|'/c calc'!A1"
    entry = audit.entry((0, GENESIS), forged, forged, forged, ANA, {"state": forged, "action": {"verb": forged}})
    (row,) = csv.reader(io.StringIO(sheet.as_row(entry), newline=""))
    assert not any(cell.startswith(start) for cell in row)
    assert f"'{forged}" in row


def test_a_csv_tells_what_the_log_tells(house: House) -> None:
    lived(house)
    text = "\n".join(sheet.rows(house.ledger.entries()))
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["kind"] for row in rows] == house.kinds()
    succeeded = next(row for row in rows if row["state"] == State.SUCCEEDED)
    assert len(succeeded["hash"]) == 64
    assert (succeeded["verb"], succeeded["service"], succeeded["environment"]) == ("scale", "checkout", "prod")
    submitted = next(row for row in rows if row["kind"] == "request.submitted")
    assert [submitted[name] for name in ("user", "verb", "service", "environment")] == [
        ANA.user_id,
        "scale",
        "checkout",
        "prod",
    ]
