"""`twokey policy` and `twokey audit`, as people and scripts call them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from sqlalchemy import delete, insert
from typer.testing import CliRunner

from approvals import logbook
from approvals.audit import Start, Verified, seal
from approvals.audit import verify as verified
from approvals.tables import as_text, audit_events, audit_seals
from bot.cli import audit, policy
from tests.approvals.doubles import PLAYGROUND, House
from tests.approvals.logs import KEY, verify_log
from tests.stores import ON_POSTGRES, UNGUARD, by_hand, store_url

Command = Callable[..., tuple[int, str]]


@pytest.fixture
def run(house: House) -> Command:
    """Runs a command against the house's store and the playground's files: its exit code, and what it said."""
    environ = {
        "TWOKEY_DATABASE_URL": store_url(house.path),
        "TWOKEY_POLICY": str(PLAYGROUND),
        "TWOKEY_CATALOG": str(PLAYGROUND.parent / "catalog.yaml"),
        "TWOKEY_AUDIT_KEY": KEY.secret_text() if ON_POSTGRES else "",  # beside a file it is made at first use
    }

    def command(line: str, *more: str, stdin: str | None = None, **settings: str) -> tuple[int, str]:
        app, *words = line.split()
        found = {"audit": audit.app, "policy": policy.app}[app]
        result = CliRunner().invoke(found, [*words, *more], env={**environ, **settings}, input=stdin)
        return result.exit_code, result.output + str(getattr(result.exception, "say", ""))

    return command


AUDIT = ["audit", *(f"audit {name}" for name in ["verify", "export", "checkpoint", "prove", "seal", "key", "rotate"])]


@pytest.mark.parametrize("line", ["policy", "policy check", "policy explain", "policy schema"])
def test_every_policy_command_has_help(run: Command, line: str) -> None:
    assert run(line, "--help")[0] == 0


@pytest.mark.parametrize("line", AUDIT)
def test_every_audit_command_has_help(run: Command, line: str) -> None:
    assert run(line, "--help")[0] == 0


def test_the_playgrounds_policy_is_fine(run: Command) -> None:
    code, said = run("policy check")
    assert (code, said.endswith(".\n")) == (0, True)
    assert "is fine: 5 rules" in said
    assert json.loads(run("policy check --json")[1])["problems"] == []


def test_a_wrong_policy_is_named_by_file_line_and_key(run: Command, tmp_path: Path) -> None:
    """A7."""
    data = yaml.safe_load(PLAYGROUND.read_text())
    data["rules"][4]["approvals"] = [{"from": "srre"}]
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(yaml.safe_dump(data, sort_keys=False))
    code, said = run("policy check --policy", str(wrong))
    assert code == 1
    assert f"{wrong}:" in said
    assert 'rules.4.approvals.0.from: there is no group "srre"' in said
    (problem,) = json.loads(run("policy check --json --policy", str(wrong))[1])["problems"]
    assert wrong.read_text().splitlines()[problem["line"] - 1].strip() == "- from: srre"
    data["groups"]["sre"] = {"members": []}
    wrong.write_text(yaml.safe_dump(data, sort_keys=False))
    assert "groups.sre.members: needs at least 1 of them, and has 0." in run("policy check --policy", str(wrong))[1]
    assert run("policy check --policy", str(tmp_path / "none"))[1].endswith("No such file or directory.")
    wrong.write_text("rulez: []")
    assert "there is no such key" in run("policy check --policy", str(wrong))[1]


def test_explain_answers_without_slack(run: Command) -> None:
    code, said = run("policy explain scale payments to 3 in prod --in engineers")
    assert code == 0
    assert "It needs one of sre and one of payments-owners" in said
    assert "member" not in said.replace("Members of engineers", "").replace("members of sre", "")
    code, said = run("policy explain scale payments to 3 in prod --json")
    assert (code, json.loads(said)["verdict"]) == (1, "Forbidden")
    assert run("policy explain status of cart in prod")[0] == 0


def test_explain_asks_for_slack_where_only_slack_knows_who_may_ask(run: Command) -> None:
    """Without it nobody can say that somebody is none of a user group's members."""
    hint = "Only Slack knows who is in engineers: add --live to ask it, or --in engineers for a member."
    said = run("policy explain scale payments to 3 in prod --as U0ANA")[1]
    assert hint in said and "may ask for this" not in said
    code, said = run("policy explain scale payments to 3 in prod --in engineers")
    assert (code, hint in said, "with evals" in said) == (0, False, False)


def test_explain_says_what_it_does_not_know(run: Command) -> None:
    assert 'no service "crat"' in run("policy explain restart crat in prod")[1]
    assert "in which environment?" in run("policy explain scale cart to 3")[1]
    assert 'no group "sree"' in run("policy explain restart cart in prod --in sree")[1]
    assert "SLACK_BOT_TOKEN" in run("policy explain restart cart in prod --live", SLACK_BOT_TOKEN="")[1]


def test_the_log_is_verified_exported_and_verified_again_elsewhere(house: House, run: Command, tmp_path: Path) -> None:
    """L2, L4, L5."""
    house.gate.run(house.approved().id)
    code, said = run("audit verify")
    assert code == 0
    assert "4 entries, each as it was written." in said
    mark = tmp_path / "checkpoint.json"
    mark.write_text(run("audit checkpoint")[1])
    assert mark.read_text().splitlines()[1] == "4"
    house.asked()
    _, export = run("audit export")
    assert len(export.splitlines()) == 5
    file = tmp_path / "log.jsonl"
    file.write_text(export)
    for where in ([], [str(file)]):
        code, said = run("audit verify --json --checkpoint", str(mark), *where)
        assert (code, json.loads(said)["count"]) == (0, 5)
    assert run("audit verify -", stdin=export)[0] == 0


def test_an_altered_export_is_refused_with_the_first_bad_entry(house: House, run: Command, tmp_path: Path) -> None:
    """L2."""
    house.gate.run(house.approved().id)
    lines = run("audit export")[1].splitlines()
    mark = tmp_path / "checkpoint.json"
    mark.write_text(run("audit checkpoint")[1])
    altered = lines.copy()
    altered[1] = altered[1].replace("U0BEN", "U0EVA")
    code, said = run("audit verify -", stdin="\n".join(altered))
    assert (code, said) == (1, "Entry 2: its content does not fit its hash.\n")
    code, said = run("audit verify --json - --checkpoint", str(mark), stdin="\n".join(lines[:2]))
    assert (code, json.loads(said)["seq"]) == (1, 3)
    assert "-:2: This line is no entry" in run("audit verify -", stdin=f"{lines[0]}\nhello")[1]
    assert "cannot be read" in run("audit verify", str(tmp_path / "none"))[1]


def test_a_store_that_was_altered_past_the_triggers_is_found(house: House, run: Command) -> None:
    """L2, L5: somebody drops the trigger, or changes a request's state without an entry."""
    house.gate.run(house.approved().id)
    raw = by_hand(house.path)
    raw.execute("UPDATE requests SET state = 'denied'")
    code, said = run("audit verify")
    assert code == 1
    assert "is denied in the table and succeeded in the log" in said
    raw.execute(UNGUARD)
    raw.execute("UPDATE audit_events SET hash = prev WHERE seq = 2")
    raw.close()
    code, said = run("audit verify --json")
    assert (code, json.loads(said)["seq"]) == (1, 2)


@pytest.mark.sqlite
def test_a_store_that_is_not_there_is_not_an_empty_log(run: Command, tmp_path: Path) -> None:
    """L2."""
    code, said = run("audit verify", TWOKEY_DATABASE_URL=f"sqlite:///{tmp_path / 'other.db'}")
    assert code == 1
    assert "There is no store" in said


def test_a_checkpoint_that_is_none_is_refused(run: Command, tmp_path: Path) -> None:
    mark = tmp_path / "checkpoint.json"
    for text in ("", "[]", '{"size": "many"}'):
        mark.write_text(text)
        code, said = run("audit verify --checkpoint", str(mark))
        assert code == 1
        assert "is no checkpoint" in said


@pytest.mark.sqlite
def test_checkpoints_proofs_and_keys_are_printed_for_an_auditor(house: House, run: Command, tmp_path: Path) -> None:
    """L3, L4: what the command line prints is what the independent verifier takes, over a rotation of the key."""
    house.gate.run(house.approved().id)
    key, mark, log, proof = run("audit key")[1].strip(), tmp_path / "mark", tmp_path / "log", tmp_path / "proof"
    mark.write_text(run("audit checkpoint")[1])
    assert set(json.loads(run("audit checkpoint --json")[1])) == {"size", "head", "root", "key", "note"}
    assert run("audit rotate")[0] == 0
    house.asked()
    marks = tmp_path / "marks"
    marks.write_text(mark.read_text() + run("audit checkpoint")[1])
    log.write_text(run("audit export")[1])
    assert verify_log(log, "--key", key, "--checkpoint", marks)[0] == 0
    assert "no signature was checked" in verify_log(log, "--key", key)[1]
    own = run("audit verify --checkpoint", str(marks))
    assert own[0] == 0
    assert key in own[1]
    assert "which the log itself names: pass --key to check against one that you keep." in own[1]
    named = run("audit verify --checkpoint", str(marks), "--key", key, str(log))
    assert (named[0], "the log itself" in named[1]) == (0, False)
    assert "not checked" in run("audit verify --checkpoint", str(marks), str(log))[1]
    for words in (["2"], ["--since", str(mark)]):
        proof.write_text(run("audit prove", *words)[1])
        assert verify_log(log, "--key", key, "--checkpoint", mark, "--proof", proof)[0] == 0
    assert run("audit prove")[0] == 1
    other = run("audit key --new", str(tmp_path / "new"))[1].strip()
    code, said = run("audit verify --checkpoint", str(marks), "--key", other)
    assert (code, "No key that is known here" in said) == (1, True)
    mark.write_text(mark.read_text().replace("\n4\n", "\n3\n"))
    assert "was changed after it was signed" in run("audit verify --checkpoint", str(mark))[1]


def test_a_sealed_log_verifies_with_and_without_its_archive(house: House, run: Command, tmp_path: Path) -> None:
    """L2, L5: an older checkpoint is held against the archive."""
    house.gate.run(house.approved().id)
    mark = tmp_path / "mark"
    mark.write_text(run("audit checkpoint")[1])
    house.clock.advance(86_400)
    house.ledger.note("service.started")
    archive = str(tmp_path / "archive")
    code, said = run("audit seal --before 2026-11-03 --to", archive)
    assert (code, "Entries 1 to 4 are in" in said) == (0, True)
    assert json.loads(run("audit verify --json")[1])["archived"] == 4
    assert run("audit verify --checkpoint", str(mark))[0] == 0
    code, said = run("audit verify --json --archive", archive, "--checkpoint", str(mark))
    assert (code, json.loads(said)["count"], json.loads(said)["archived"]) == (0, 6, 0)
    other = run("audit key --new", str(tmp_path / "new"))[1].strip()
    assert "name it with --archive" in run("audit verify --checkpoint", str(mark), "--key", other)[1]
    assert run("audit prove --archive", archive, "2")[0] == 0
    assert "--archive" in run("audit prove 2")[1]
    assert len(run("audit export --format csv")[1].splitlines()) == 3
    assert "No entry is that old" in run("audit seal --before 2026-11-01 --to", archive)[1]


def test_what_the_seal_of_an_older_release_left_out_is_said(house: House, run: Command, tmp_path: Path) -> None:
    """A9: what was in force there is believed until the log is sealed anew."""
    for _ in range(3):
        house.ledger.note("service.started")
    assert run("audit checkpoint")[0] == 0  # what none covers is not sealed
    found = verified(house.ledger.entries())
    assert isinstance(found, Verified)
    end = Start(found.head, found.tree)
    with house.ledger.recording() as record:
        row = {"size": 3, "at": as_text(record.now), "head": end.head, "peaks": logbook.packed(end.tree)}
        record.connection.execute(insert(audit_seals), row)
        record.add(seal.KIND, {name: said for name, said in seal.sealed(end, {}, {}, {}).items() if name != "in_force"})
        record.connection.execute(delete(audit_events).where(audit_events.c.seq <= 3))
    code, said = run("audit verify")
    assert (code, "archived the first 3 entries without saying which policy and catalogue" in said) == (0, True)
    assert json.loads(run("audit verify --json")[1])["seal_is_silent"] is True
    assert run("audit seal --before 2027-01-01 --to", str(tmp_path / "archive"))[0] == 0
    code, said = run("audit verify")
    assert (code, "older release" in said) == (0, False)


def test_an_entry_that_is_filed_under_another_request_is_found(house: House, run: Command) -> None:
    """L2: the one column that the hash does not cover."""
    house.gate.run(house.approved().id)
    raw = by_hand(house.path)
    raw.execute(UNGUARD)
    raw.execute("UPDATE audit_events SET request_id = 'other' WHERE seq = 3")
    raw.close()
    code, said = run("audit verify")
    assert (code, "the store files entry 3 under another request" in said) == (1, True)
