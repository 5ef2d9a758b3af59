"""What people write into the environment of a workload stays in the cluster, whatever is done to it here."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from actions.clients.protocols import WorkloadRef
from actions.plan import Patch
from tests.journeys.stage import Stage, buttons
from tests.journeys.test_change import ask, card_of

CART = WorkloadRef(None, "prod", "Deployment", "cart")
CANARIES = ("canary-7f3a-before", "canary-7f3a-since")


def configure(here: Stage, value: str) -> None:
    """Somebody writes it into two variables, one of which sounds like a secret, by other means than ours."""
    env = [{"name": "DB_PASSWORD", "value": value}, {"name": "SHARD", "value": value}]
    containers = [{"name": "cart", "env": env}]
    body: dict[str, Any] = {"spec": {"template": {"spec": {"containers": containers}}}}
    here.running.program.cluster.patch(CART, Patch(body=body), verb="deploy", request_id=None)
    here.pass_time(120)


def environment(here: Stage) -> dict[str, str]:
    template = here.running.program.cluster.workload(CART)["spec"]["template"]
    return {each["name"]: each["value"] for each in template["spec"]["containers"][0]["env"]}


def exported(here: Stage, form: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "bot", "audit", "export", "--format", form],
        env={"TWOKEY_DATABASE_URL": here.addresses.database, "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_a_rollback_restores_a_value_that_stands_nowhere_here(
    here: Stage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """L6: neither in the store's bytes, nor in an export, a message, a form or a log line."""
    caplog.set_level(logging.INFO)
    for value in CANARIES:
        configure(here, value)

    card = ask(here, "roll back cart in prod", "DB_PASSWORD changes, SHARD changes")
    assert here.click("ana", card, "details")["ok"]
    here.until(lambda: "env" in json.dumps(here.state()["views"]), "the form with the details")
    here.click("ben", card, "approve")
    done = card_of(here, "Roll back cart", "done in")
    assert "approve" not in buttons(done)
    assert {environment(here)[name] for name in ("DB_PASSWORD", "SHARD")} == {CANARIES[0]}

    where = {form: exported(here, form) for form in ("jsonl", "csv", "ocsf")}
    where |= {"messages and forms": json.dumps(here.state()), "log": caplog.text}
    where |= {p.name: p.read_bytes().decode("latin-1") for p in tmp_path.rglob("*") if p.is_file()}
    assert "twokey.db" in where
    assert "Roll back" in where["messages and forms"]
    assert [name for name, held in where.items() for canary in CANARIES if canary in held] == []
