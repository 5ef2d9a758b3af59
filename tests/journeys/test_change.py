"""The life of a change, from a sentence to the log, over the wire."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from actions.clients.protocols import WorkloadRef
from actions.plan import Patch
from tests.journeys.stage import Stage, buttons, words


def card_of(here: Stage, *parts: str) -> dict[str, Any]:
    """The newest card in which all of these stand."""
    return here.see(
        lambda m: "details" in buttons(m) and all(part in words(m) for part in parts), f"a card with {parts}"
    )


def ask(here: Stage, text: str, *parts: str, user: str = "ana") -> dict[str, Any]:
    """Somebody asks for a change; its card as it waits."""
    here.say(user, f"@twokey {text}")
    return card_of(here, "waiting for", *parts)


def replicas(here: Stage, name: str, namespace: str = "prod") -> int:
    live = here.running.program.cluster.workload(WorkloadRef(None, namespace, "Deployment", name))
    return int(live["spec"]["replicas"])


def verify(here: Stage) -> subprocess.CompletedProcess[str]:
    """What an outsider runs."""
    return subprocess.run(
        [sys.executable, "-m", "bot", "audit", "verify"],
        env={"TWOKEY_DATABASE_URL": here.addresses.database, "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_sentence_becomes_a_card_another_person_approves_it_runs_and_the_log_proves_it(here: Stage) -> None:
    """A1, A3, L1, E1: mention, card, approval, rollout, outcome, `audit verify`."""
    card = ask(here, "scale checkout to 5 in prod", "1 of sre")
    assert "PRODUCTION" in words(card)
    assert " | 3 | " in words(card)
    assert " | 5 | " in words(card)
    assert "an autoscaler (3–8) owns this" in words(card)

    clicked = here.click("ben", card, "approve")
    assert clicked["ok"], clicked

    done = card_of(here, "done in", "verified: error rate")
    assert done["ts"] == card["ts"], "the same message, never a second card"
    assert not {"approve", "deny"} & set(buttons(done)), "S3: no copy of the card keeps its buttons"
    assert "approved by" in words(done)
    assert replicas(here, "checkout") == 5
    here.see_text("approved", channel="#ops")

    proof = verify(here)
    assert proof.returncode == 0, proof.stderr
    assert "each as it was written" in proof.stdout


def test_the_note_about_an_autoscaler_offers_what_lasts_as_a_change_of_its_own(here: Stage) -> None:
    """A1, E1: the button asks; its own card, plan and approval follow, and the town's autoscaler does the rest.

    Where the one who asked for the first presses it, that one gives way; where others do, it is a request beside it.
    """
    card = ask(here, "scale checkout to 5 in prod")
    assert buttons(card)["do:20"]["text"]["text"] == "Set its minimum to 5 instead"
    here.click("carla", card, "do:20")
    other = card_of(here, "Set the autoscaler's minimum of checkout in prod", "waiting for", "asked by carla")
    here.click("carla", other, "withdraw")
    card_of(here, "withdrawn by carla", "asked by carla")
    assert "waiting for" in words(card_of(here, "Scale checkout in prod"))

    here.click("ana", card, "do:20")
    own = card_of(here, "Set the autoscaler's minimum of checkout in prod", "waiting for", "asked by ana")
    assert own["ts"] != card["ts"]
    first = card_of(here, "Scale checkout in prod", "withdrawn by ana: another card takes its place")
    assert first["ts"] == card["ts"]
    assert "HorizontalPodAutoscaler checkout" in words(own)
    assert replicas(here, "checkout") == 3
    here.click("ben", own, "approve")
    done = card_of(here, "Set the autoscaler's minimum", "done in")
    assert done["ts"] == own["ts"]
    assert replicas(here, "checkout") == 5
    gone = next(e for e in here.running.program.ledger.entries() if e.fields["data"].get("for"))
    assert gone.fields["kind"] == "request.withdrawn"


def test_a_model_service_reaches_prod_with_a_passing_eval_of_that_very_version(here: Stage) -> None:
    """A3: 2.1 is refused with the way to an eval, and with the failing run's link; 2.2 passes and goes out."""
    here.say("ana", "@twokey deploy support-bot 2.1 to prod")
    refused = here.see_text("⛔ Refused: support-bot 2.1 has not passed support-quality: nobody has run it")
    assert buttons(refused)["do:0"]["text"]["text"] == "Run support-quality on 2.1 against 2.0"
    here.click("ana", refused, "do:0")
    failed = here.see_text("not ready for prod", "2.1 passes 51 of 60", "p95", "$0.0")
    assert [b["text"]["text"] for b in buttons(failed).values()] == ["What got worse", "Report", "CSV"]
    here.click("ben", failed, "show:1")
    here.see_text("support-quality-2.1.html")
    here.say("ana", "@twokey deploy support-bot 2.1 to prod")
    again = here.see_text("its last run says", "not ready for prod", "Open the last run")
    assert f"/archives/{failed['channel']}/p" in words(again)

    here.say("ana", "@twokey run support-quality on 2.2 against 2.0")
    here.see_text("As good", "2.2 passes 58 of 60")
    card = ask(here, "deploy support-bot 2.2 to prod", "1 of sre")
    here.click("ben", card, "approve")
    assert card_of(here, "Deploy support-bot 2.2", "done in")["ts"] == card["ts"]


def test_the_requester_cannot_turn_the_second_key(here: Stage) -> None:
    """A4: a private explanation, no decision, nothing runs."""
    card = ask(here, "scale checkout to 5 in prod")
    here.click("ana", card, "approve")

    told = here.see_text("somebody else has to turn the second key")
    assert told["ephemeral_to"] == "U0ANA"
    assert "ben or carla" in words(told)
    assert "waiting for 1 of sre" in words(card_of(here, "Scale checkout"))
    assert replicas(here, "checkout") == 3


def test_a_click_by_somebody_without_the_right_changes_nothing(here: Stage) -> None:
    """A8: anybody in the channel can see the card; only the policy's groups can decide."""
    card = ask(here, "scale checkout to 5 in prod")
    here.click("dora", card, "approve")
    told = here.see(lambda m: m.get("ephemeral_to") == "U0DORA", "a private explanation for dora")
    assert "sre" in words(told)
    assert replicas(here, "checkout") == 3


def test_somebody_without_rights_cannot_ask_for_a_change(here: Stage) -> None:
    here.say("dora", "@twokey restart cart in prod")
    here.see_text("engineers")
    assert not [m for m in here.bot_messages() if "approve" in buttons(m)]


def test_a_deny_ends_it_and_beats_later_approvals(here: Stage) -> None:
    """A5: the reason is kept, the card says who, nothing runs."""
    card = ask(here, "scale checkout to 5 in prod")
    here.click("carla", card, "deny")
    view = here.until(lambda: next((v for v in here.state()["views"] if v["user"] == "U0CARLA"), None), "a modal")
    assert isinstance(view, dict)
    field = next(b for b in view["blocks"] if b["type"] == "input")
    answer = here.post(
        "views", user="carla", view_id=view["id"], values={field["element"]["action_id"]: "not on a Saturday"}
    )
    assert answer["ok"], answer

    denied = card_of(here, "denied")
    assert "not on a Saturday" in words(denied)
    assert "approve" not in buttons(denied)
    assert not here.click("ben", card, "approve")["ok"], "the button is gone"
    assert replicas(here, "checkout") == 3


def test_two_groups_turn_two_keys(here: Stage) -> None:
    """One person counts once: carla is in both groups, and ben still has to agree."""
    card = ask(here, "scale payments to 7 in prod", "2")
    here.click("carla", card, "approve")
    waiting = card_of(here, "carla", "carla approved · waiting for 1 of sre")
    assert replicas(here, "payments") == 6
    here.click("ben", waiting, "approve")
    card_of(here, "done in")
    assert replicas(here, "payments") == 7


def test_what_nobody_approves_in_time_expires(here: Stage) -> None:
    """A6: the card says so and offers to ask again."""
    card = ask(here, "restart search in prod")
    here.pass_time(3601)
    expired = card_of(here, "expired")
    assert "approve" not in buttons(expired)
    again = next(action for action in buttons(expired) if action not in {"details"})
    here.click("ana", expired, again)
    fresh = card_of(here, "waiting for", "Restart search")
    assert fresh["ts"] != card["ts"]


def test_a_target_that_moved_makes_the_approval_stale(here: Stage) -> None:
    """A1, A3: somebody changed the replicas after the preview; nothing is run, and the card says what moved."""
    card = ask(here, "scale checkout to 5 in prod")
    ref = WorkloadRef(None, "prod", "Deployment", "checkout")
    patch = Patch(subresource="scale", type="merge", body={"spec": {"replicas": 4}})
    here.running.program.cluster.patch(ref, patch, verb="scale", request_id=None)

    here.click("ben", card, "approve")
    stale = card_of(here, "stale")
    assert "4" in words(stale)
    assert replicas(here, "checkout") == 4


def test_a_bad_version_fails_in_words_and_a_rollback_heals_it(here: Stage) -> None:
    here.say("ana", "@twokey deploy cart 2.2.0 to dev")
    failed = card_of(here, "Deploy cart", "failed")
    assert "the only pod crashes" in words(failed)
    here.say("ana", "@twokey roll back cart in dev")
    card_of(here, "Roll", "cart", "done in")
    live = here.running.program.cluster.workload(WorkloadRef(None, "dev", "Deployment", "cart"))
    assert live["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":2.0.3")


def test_the_same_event_three_times_is_one_request(here: Stage) -> None:
    """S2: duplicates on the wire are one card and one request."""
    here.post("faults", duplicate=1)
    ask(here, "scale checkout to 5 in prod")
    here.say("ana", "@twokey help")
    here.see_text("For example")
    assert len([m for m in here.bot_messages("#ops") if "approve" in buttons(m)]) == 1


def test_a_restart_of_the_bot_loses_nothing(here: Stage) -> None:
    """S2, E2: asked before, approved after, executed once by the new process."""
    card = ask(here, "scale checkout to 5 in prod")
    before = here.running
    before.stop()
    here.running = type(before)(here.addresses, here.clock).start()
    here.click("ben", card, "approve")
    done = card_of(here, "done in")
    assert done["ts"] == card["ts"]
    assert replicas(here, "checkout") == 5
    assert verify(here).returncode == 0


def test_an_undo_is_a_card_of_its_own(here: Stage) -> None:
    card = ask(here, "scale checkout to 5 in prod")
    here.click("ben", card, "approve")
    done = card_of(here, "done in")
    undo = next(name for name, b in buttons(done).items() if "Undo" in str(b.get("text", {}).get("text")))
    here.click("carla", done, undo)
    back = card_of(here, "waiting for", "Scale checkout")
    assert back["ts"] != card["ts"]
    assert replicas(here, "checkout") == 5


@pytest.mark.parametrize("sentence", ["deploy checkout 1.4.2 to staging", "restart search in staging"])
def test_every_changing_verb_goes_through_the_same_gate(here: Stage, sentence: str) -> None:
    card = ask(here, sentence, "1 of engineers")
    clicked = here.click("ben", card, "approve")
    assert clicked["ok"], clicked
    card_of(here, "done in")
    assert verify(here).returncode == 0
