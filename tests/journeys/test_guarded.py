"""A rollback approved in advance, from the sentence to the log, over the wire."""

from __future__ import annotations

import json

from actions.clients.protocols import WorkloadRef
from tests.journeys.stage import Stage, buttons, words
from tests.journeys.test_change import ask, card_of, verify


def _image(here: Stage, name: str) -> str:
    live = here.running.program.cluster.workload(WorkloadRef(None, "prod", "Deployment", name))
    return str(live["spec"]["template"]["spec"]["containers"][0]["image"]).rpartition(":")[2]


def _kinds(here: Stage) -> list[str]:
    return [str(entry.fields["kind"]) for entry in here.running.program.ledger.entries()]


def test_a_bad_version_is_taken_back_by_its_guard_as_was_approved(here: Stage) -> None:
    """A1, A2, E1, L1: one sentence, one card, one key; two effects, each recorded before it; evidence in the thread."""
    card = ask(here, "deploy checkout 1.5.0 to prod, and roll back if the error rate doubles within 10 min", "1 of sre")
    assert "If error rate reaches" in words(card)
    assert "within 10 min of the rollout: back to 1.4.1 without asking again" in words(card)
    assert "Guard: If error rate" in json.dumps(buttons(card)["approve"]["confirm"])

    here.click("ben", card, "approve")
    ended = card_of(here, "Deploy checkout 1.5.0", "rolled back by its guard: error rate")
    assert ended["ts"] == card["ts"], "the same message, never a second card"
    assert "back on 1.4.1" in words(ended)
    assert _image(here, "checkout") == "1.4.1"
    here.see_text("error rate of checkout in prod")

    kinds = _kinds(here)
    assert [k for k in kinds if k in {"request.running", "request.guard_tripped", "request.rolled_back"}] == [
        "request.running",
        "request.guard_tripped",
        "request.rolled_back",
    ]
    proof = verify(here)
    assert proof.returncode == 0, proof.stderr

    here.say("ana", "@twokey history of checkout in prod")
    here.see_text("rolled_back")


def test_a_good_version_stays_and_says_that_it_was_guarded(here: Stage) -> None:
    card = ask(here, "deploy checkout 1.4.2 to prod with a guard: error rate x3 in 2 min", "1 of sre")
    here.click("ben", card, "approve")
    done = card_of(here, "Deploy checkout 1.4.2", "guarded: error rate stayed under")
    assert done["ts"] == card["ts"]
    assert _image(here, "checkout") == "1.4.2"
    assert "request.guard_tripped" not in _kinds(here)


def test_a_limit_that_was_not_said_is_asked_and_one_press_completes_it(here: Stage) -> None:
    """R6: nothing is made up; the press gives the one argument that the words did not."""
    here.say("ana", "@twokey deploy checkout 1.4.2 to prod and roll back if the error rate rises")
    asked = here.see_text("at which limit is it rolled back?")
    press = next(name for name, b in buttons(asked).items() if "x2" in json.dumps(b))
    here.click("ana", asked, press)
    assert "If error rate reaches" in words(card_of(here, "Deploy checkout 1.4.2", "waiting for"))
