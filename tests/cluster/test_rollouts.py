"""Argo Rollouts on a real API server: an image in steps, on from a pause, given up, and back."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import ClassVar, Self

import pytest
import requests
import yaml

from actions.catalog import Catalog
from actions.errors import BadInput
from actions.outcome import Outcome
from actions.rbac import accounts
from actions.rbac.manifests import render
from tests.cluster.control_plane import ControlPlane, Json
from tests.cluster.gitops import Gitops
from tests.cluster.rollouts_controller import rolling
from tests.cluster.shop import PACE, Hands, Shop, Until, workload
from tests.cluster.test_guard import Gauge
from tests.cluster.wire import Fate, wire_to
from tests.waiting import until

PATH = "/apis/argoproj.io/v1alpha1/namespaces/{}/rollouts"
STEPS = [{"setWeight": 50}, {"pause": {}}, {"setWeight": 100}]


class Stage(Shop):
    """`checkout` is a Rollout of two with one pause; what it waits for is a person."""

    strategy: ClassVar[Json] = {"canary": {"steps": STEPS}}

    @property
    def catalog(self) -> Catalog:
        service = {"image": "registry.example/checkout", "max_replicas": 5, "managed_by": "rollouts"}
        return Catalog.model_validate(
            {"environments": {"prod": {"namespace": self.namespace}}, "services": {"checkout": service}}
        )

    def open(self) -> Self:
        body = workload("Deployment", "checkout", replicas=2, sidecar=True)
        body |= {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout"}
        body["spec"]["strategy"] = self.strategy
        for name in ("active", "preview"):
            ports = {"ports": [{"port": 80}], "selector": {"app": "checkout"}}
            self.call(
                "POST", f"/api/v1/namespaces/{self.namespace}/services", {"metadata": {"name": name}, "spec": ports}
            )
        assert self.call("POST", PATH.format(self.namespace), body).ok
        until(lambda: self.phase == "Healthy", "the first version")
        return self

    def admit(self) -> Self:
        for manifest in yaml.safe_load_all(render(self.catalog, self.registry)):
            self.create(manifest)
        label, many = {"metadata": {"labels": {"x": "y"}}}, {"spec": {"replicas": 10_001}}
        for verb, part, body in (("deploy", "", label), ("rollback", "", label), ("scale", "/scale", many)):
            user = accounts.user(verb, self.namespace, preview=True)
            until(partial(self._held_back, body, user, part), f"the policy of {verb} in force")
        return self

    @property
    def live(self) -> Json:
        found: Json = self.call("GET", f"{PATH.format(self.namespace)}/checkout").json()
        return found

    @property
    def phase(self) -> str:
        return str((self.live.get("status") or {}).get("phase"))

    def change(self, body: Json, user: str = "", part: str = "", **query: str) -> requests.Response:
        headers = {"Content-Type": "application/merge-patch+json", **({"Impersonate-User": user} if user else {})}
        return self.call("PATCH", f"{PATH.format(self.namespace)}/checkout{part}", body, headers=headers, params=query)

    def _held_back(self, body: Json, user: str, part: str) -> bool:
        return self.change(body, user, part, dryRun="All").status_code == 422


class Switched(Stage):
    """Two environments, and a person switches from one to the other."""

    strategy: ClassVar[Json] = {
        "blueGreen": {"activeService": "active", "previewService": "preview", "autoPromotionEnabled": False}
    }


class SwitchedInTime(Stage):
    """Two environments, switched after a second."""

    strategy: ClassVar[Json] = {
        "blueGreen": {"activeService": "active", "previewService": "preview", "autoPromotionSeconds": 1}
    }


class Slow(Stage):
    """A canary that pauses for a second, and then for an hour."""

    strategy: ClassVar[Json] = {
        "canary": {"steps": [{"setWeight": 50}, {"pause": {"duration": 1}}, {"pause": {"duration": 3600}}]}
    }


@pytest.fixture(scope="module")
def world(plane: ControlPlane) -> Iterator[ControlPlane]:
    with Gitops(plane), rolling(plane):
        yield plane


@pytest.fixture(scope="module")
def stage(world: ControlPlane) -> Iterator[Stage]:
    """One for all these tests, each of which leaves it healthy."""
    with Stage.opened(world) as opened:
        yield opened


def well(outcome: Outcome) -> Outcome:
    assert outcome.ok, outcome
    return outcome


def containers_of(stage: Stage) -> list[Json]:
    found: list[Json] = stage.live["spec"]["template"]["spec"]["containers"]
    return found


def image(stage: Stage) -> str:
    return str(containers_of(stage)[0]["image"]).rpartition(":")[2]


def promoted(stage: Stage, hands: Hands, version: str) -> None:
    well(hands.do("deploy", version=version))
    well(hands.do("deploy", version=version))
    assert (image(stage), stage.phase) == (version, "Healthy")


def test_a_deploy_waits_at_its_pause_and_the_same_version_again_promotes_it(stage: Stage) -> None:
    hands, before = stage.hands(), stage.live["spec"]
    plan = hands.plan("deploy", version="1.1")
    assert plan.target.kind == "Rollout"
    held = well(hands.execute(plan, "request-1"))
    assert held.summary.endswith("paused at step 2 of 3: it waits there until somebody lets it go on")
    assert [each.label for each in held.suggestions] == ["Go on…", "Abort…"]
    assert {each["image"] for each in before["template"]["spec"]["containers"][1:]} == {"registry.example/proxy:7"}
    on = hands.plan("deploy", version="1.1")
    assert [(each.before, each.after) for each in on.differences] == [
        ("paused at step 2 of 3", "goes on to its next step")
    ]
    well(hands.execute(on, "request-2"))
    assert stage.phase == "Healthy"
    after = stage.live["spec"]
    assert after["template"]["spec"]["containers"][0].pop("image") == "registry.example/checkout:1.1"
    before["template"]["spec"]["containers"][0].pop("image")
    assert after == before  # nothing but the image


def test_a_rollback_while_it_is_under_way_aborts_it_and_to_a_version_puts_the_spec_back(stage: Stage) -> None:
    hands = stage.hands()
    promoted(stage, hands, "2.0")
    well(hands.do("deploy", version="2.1"))
    plan = hands.plan("rollback")
    assert plan.patch.subresource == "status"
    assert plan.warnings[-1].text.startswith(
        "its spec keeps 2.1, and it counts as degraded until it is rolled back to 2.0"
    )
    well(hands.execute(plan))
    assert (stage.live["status"]["abort"], image(stage)) == (True, "2.1")
    pods = hands.cluster.pods(stage.catalog.ref("checkout", "prod"))
    assert {pod.images[0] for pod in pods if pod.ready} == {"registry.example/checkout:2.0"}
    well(hands.do("rollback", to="2.0"))
    assert (image(stage), stage.phase) == ("2.0", "Healthy")


def test_pods_that_crash_in_a_step_fail_it(stage: Stage) -> None:
    hands = stage.hands()
    promoted(stage, hands, "3.0")
    outcome = hands.do("deploy", version="3.1-crash")
    assert outcome.ok is False
    assert "CrashLoopBackOff" in outcome.summary
    well(hands.do("rollback", to="3.0"))


def test_scale_restart_status_and_history_work_as_for_a_deployment(stage: Stage) -> None:
    hands = stage.hands()
    promoted(stage, hands, "4.0")
    well(hands.do("scale", replicas=3))
    well(hands.do("scale", replicas=2))
    assert "4.0" in well(hands.do("status")).summary
    assert "version 4.0" in well(hands.do("history")).model_dump_json()


def test_nobody_but_its_controller_writes_what_the_controller_writes(stage: Stage) -> None:
    """Argo Rollouts writes the spec back with defaults filled in; that is no change by somebody."""
    hands = stage.hands()
    promoted(stage, hands, "6.0")
    assert [each.code for each in hands.plan("deploy", version="6.1").warnings] == []
    image = {"name": "checkout", "image": "registry.example/checkout:6.2"}
    containers = [{**each, **(image if each["name"] == "checkout" else {})} for each in containers_of(stage)]
    assert stage.change({"spec": {"template": {"spec": {"containers": containers}}}}, fieldManager="dave").ok
    until(lambda: stage.phase == "Paused", "the controller at it")
    told = {each.code: each.text for each in hands.plan("deploy", version="6.1").warnings}
    assert told["changed_since"].endswith("(dave)")
    well(hands.do("rollback", to="6.0"))


def test_blue_green_waits_before_its_promotion_and_an_abort_leaves_the_old_version_active(world: ControlPlane) -> None:
    with Switched.opened(world) as stage:
        hands = stage.hands()
        held = well(hands.do("deploy", version="2.0"))
        assert held.summary.endswith("paused before promotion: it waits there until somebody lets it go on")
        well(hands.do("deploy", version="2.0"))
        status = stage.live["status"]
        assert (stage.phase, status["blueGreen"]["activeSelector"]) == ("Healthy", status["currentPodHash"])
        well(hands.do("deploy", version="2.1"))
        plan = hands.plan("rollback")
        assert [each.after for each in plan.differences] == ["aborted, 2.0 everywhere"]
        well(hands.execute(plan))
        after = stage.live["status"]
        assert after["blueGreen"]["activeSelector"] == after["stableRS"] == status["currentPodHash"]
        well(hands.do("rollback", to="2.0"))


def test_blue_green_that_switches_by_itself_is_watched_until_it_has(world: ControlPlane) -> None:
    with SwitchedInTime.opened(world) as stage:
        done = well(stage.hands().do("deploy", version="2.0"))
        assert "paused" not in done.summary
        assert stage.phase == "Healthy"


def test_a_pause_that_is_longer_than_anybody_watches_is_no_failure(world: ControlPlane) -> None:
    with Slow.opened(world) as stage:
        hands = stage.hands(
            clock=Until(lambda: (stage.phase, stage.live["status"]["currentStepIndex"]) == ("Paused", 2))
        )
        plan = hands.plan("deploy", version="2.0")
        outcome = hands.execute(plan, "request-1")
        assert outcome.ok is None
        assert (
            "it pauses for longer than I watch, as its steps say. Last seen: paused at step 3 of 3" in outcome.summary
        )
        assert hands.executor.reconcile(plan, "request-1") is None
        well(hands.do("deploy", version="2.0"))  # somebody lets it go on
        found = hands.executor.reconcile(plan, "request-1")
        assert found is not None
        assert found.ok


@pytest.mark.parametrize("tripped", [True, False])
def test_a_guard_takes_a_canary_back_from_its_pause_or_leaves_it_there(stage: Stage, tripped: bool) -> None:
    """E1, P4: the template of before, under the rollback's own account."""
    gauge = Gauge()
    hands = stage.hands(metrics=gauge)
    promoted(stage, hands, f"7.{tripped:d}")
    before, old = stage.live["spec"], image(stage)
    plan = hands.plan("deploy", version="7.9", guard="error_rate x2 within 5m")
    gauge.value = 0.05 if tripped else gauge.value
    if tripped:
        outcome = hands.execute(plan, "request-1")
        assert outcome.rolled_back, outcome
        until(lambda: stage.phase == "Healthy", "the old version everywhere")
        assert stage.live["spec"] == before
        assert stage.live["metadata"]["annotations"]["twokey.dev/request"] == "request-1-back"
        return
    short = plan.model_copy(update={"guard": plan.guard and plan.guard.model_copy(update={"window": 1})})
    held = well(hands.execute(short))
    assert "guarded: error rate stayed under" in held.summary
    assert [each.label for each in held.suggestions] == ["Go on…", "Abort…"]
    with pytest.raises(BadInput, match=r"^It is paused with this version, and a guard watches from"):
        hands.plan("deploy", version="7.9", guard="error_rate x2 within 5m")
    well(hands.do("rollback", to=old))


@pytest.mark.parametrize("fate", ["lost", "unanswered"])
def test_a_promotion_whose_answer_is_lost_goes_on_once(stage: Stage, fate: Fate) -> None:
    """E1."""
    hands = stage.hands()
    well(hands.do("deploy", version=f"5.{fate}"))
    with wire_to(stage.plane) as wire:
        far = stage.hands(server=wire.url, pace=replace(PACE, step=0.05))
        plan = far.plan("deploy", version=f"5.{fate}")
        first: Iterator[Fate] = itertools.chain([fate], itertools.repeat(""))
        wire.fate = lambda method, path: next(first) if method == "PATCH" else ""
        well(far.execute(plan))
        assert wire.patches() == 1
    assert stage.phase == "Healthy"


@pytest.mark.parametrize(
    ("verb", "body", "passes"),
    [
        ("deploy", {"pauseConditions": None}, True),
        ("deploy", {"abort": True}, False),
        ("rollback", {"abort": True}, True),
        ("rollback", {"promoteFull": True}, False),
        ("deploy", {"phase": "Paused"}, False),
        ("deploy", {"stableRS": "x"}, False),
        ("scale", {"abort": True}, False),
    ],
)
def test_of_a_status_each_verb_may_change_its_own_field_alone(
    stage: Stage, verb: str, body: Json, passes: bool
) -> None:
    """P2."""
    assert stage.change({"status": body}, part="/status", dryRun="All").ok  # an administrator may
    user = accounts.user(verb, stage.namespace, preview=True)
    assert stage.change({"status": body}, user, "/status", dryRun="All").ok == passes


def test_a_rollout_whose_pods_another_object_describes_is_left_alone(world: ControlPlane) -> None:
    with Stage.opened(world) as stage:
        hands = stage.hands()
        plural = PATH.format(stage.namespace)
        other = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "checkout"}
        body = {**stage.live, "metadata": {"name": "checkout"}}
        spec = {key: value for key, value in body["spec"].items() if key not in ("template", "selector")}
        assert stage.call("DELETE", f"{plural}/checkout").ok
        until(lambda: stage.call("GET", f"{plural}/checkout").status_code == 404, "the Rollout gone")
        assert stage.call("POST", plural, {**body, "spec": {**spec, "workloadRef": other}}).ok
        for verb, arguments in (("deploy", {"version": "9"}), ("restart", {}), ("status", {})):
            with pytest.raises(BadInput, match=r"takes those of Deployment checkout \(workloadRef\)"):
                hands.do(verb, **arguments)
