"""What each changing verb would do, worked out from the live object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions import image, preview
from actions.clients.protocols import Autoscaler, WorkloadRef
from actions.errors import BadInput, NotFound, UnknownEnvironment, UnknownService
from actions.plan import Plan
from actions.restoring import merge_patch
from actions.verbs.scale import Scale
from bot.playground.town.patching import json_merge
from tests.actions.conftest import CHECKOUT, PlanFactory
from tests.actions.doubles import ClusterDouble

STORE = WorkloadRef(cluster=None, namespace="dev", kind="StatefulSet", name="store")
AGENT = WorkloadRef(cluster=None, namespace="dev", kind="DaemonSet", name="agent")
CART = WorkloadRef(cluster=None, namespace="dev", kind="Deployment", name="cart")


def codes(plan: Plan) -> set[str]:
    return {caution.code for caution in plan.warnings}


# -- what all of them do -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("action", "conditions"),
    [
        ({"verb": "deploy"}, ["metadata.uid#sha256", "spec.template#fingerprint"]),
        ({"verb": "restart"}, ["metadata.uid#sha256", "spec.template#fingerprint"]),
        ({"verb": "rollback"}, ["metadata.uid#sha256", "spec.template#fingerprint"]),
        ({"verb": "scale", "replicas": 5}, ["metadata.uid#sha256", "spec.replicas"]),
    ],
    ids=lambda value: value.get("verb") if isinstance(value, dict) else "",
)
def test_a_plan_rests_on_exactly_what_its_preview_shows(
    plan_factory: PlanFactory, cluster: ClusterDouble, action: dict[str, Any], conditions: list[str]
) -> None:
    """DESIGN 2: the template for deploy, rollback and restart, the replicas for scale; planning changes nothing."""
    cluster.deploy(CHECKOUT, "1.4.0")
    plan = plan_factory(**action)
    assert [condition.path for condition in plan.preconditions] == conditions
    assert plan.facts == ("generation 42", "image 1.4.0")
    assert len(cluster.dry_runs) == 1
    assert cluster.patches == []
    assert plan_factory(**action).digest == plan.digest


def test_what_is_not_in_the_catalogue_or_the_cluster_is_named(plan_factory: PlanFactory) -> None:
    with pytest.raises(UnknownService, match="Did you mean checkout"):
        plan_factory(service="chekout")
    with pytest.raises(UnknownEnvironment):
        plan_factory(service="store")
    with pytest.raises(NotFound):
        plan_factory(service="cart")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda live: live["spec"].update(paused=True), "paused"),
        (lambda live: live["spec"].update(strategy={"type": "Recreate"}), "recreate"),
        (lambda live: live["metadata"]["labels"].update({"argocd.argoproj.io/instance": "x"}), "gitops"),
        (lambda live: live["metadata"]["annotations"].update({"argocd.argoproj.io/tracking-id": "x"}), "gitops"),
        (lambda live: live["metadata"]["labels"].update({"kustomize.toolkit.fluxcd.io/name": "x"}), "gitops"),
    ],
)
def test_what_an_approver_should_know_is_said(
    plan_factory: PlanFactory, cluster: ClusterDouble, change: Callable[[dict[str, Any]], None], code: str
) -> None:
    assert codes(plan_factory()) == set()
    cluster.edit(CHECKOUT, change)
    assert codes(plan_factory()) == {code}


def test_a_rollout_that_is_under_way_is_said(plan_factory: PlanFactory, cluster: ClusterDouble) -> None:
    cluster.frozen = True
    cluster.edit(CHECKOUT, lambda live: live["spec"]["template"]["spec"].update(dnsPolicy="Default"))
    assert "rollout" in codes(plan_factory())


def test_the_diff_shows_the_change_and_hides_noise_and_secrets(
    plan_factory: PlanFactory, cluster: ClusterDouble
) -> None:
    """L6: no variable's value is shown, whatever its name; that one differs is seen."""

    def set_password(value: str) -> Callable[[dict[str, Any]], None]:
        env = [{"name": "SHARD", "value": value}, {"name": "LEVEL", "value": "canary-same"}]
        words = ["--quiet", f"--password={value}"]
        return lambda live: live["spec"]["template"]["spec"]["containers"][0].update(env=env, args=words)

    cluster.edit(CHECKOUT, set_password("canary-one"))
    cluster.edit(CHECKOUT, set_password("canary-two"))
    diff = plan_factory("rollback").diff
    assert "canary" not in diff
    assert "-          value: (hidden, now)\n+          value: (hidden, after)" in diff
    assert diff.count("value: (hidden)\n") == 1  # LEVEL is the same on both sides
    assert "-        - --password=<hidden> (now)\n+        - --password=<hidden> (after)" in diff
    assert "resourceVersion" not in diff
    assert "managedFields" not in diff
    assert "+    twokey.dev/request: ${request}" in diff


# -- deploy ------------------------------------------------------------------------------------------------------------
def test_deploy_changes_one_image_and_offers_the_way_back(plan_factory: PlanFactory) -> None:
    plan = plan_factory("deploy", version="1.4.2")
    assert [(d.field, d.before, d.after) for d in plan.differences] == [("image", "1.4.1", "1.4.2")]
    assert "-      - env: []\n" not in plan.diff
    assert "registry.example/checkout:1.4.2" in plan.diff
    assert plan.undo == {"verb": "rollback", "service": "checkout", "environment": "prod", "to": "1.4.1"}


def test_deploy_takes_a_digest(plan_factory: PlanFactory) -> None:
    digest = "sha256:" + "ab" * 32
    plan = plan_factory("deploy", version=digest)
    assert f"registry.example/checkout@{digest}" in plan.diff
    assert plan.differences[0].after == "sha256:abababababab"


def test_deploy_of_what_runs_already_is_refused(plan_factory: PlanFactory) -> None:
    with pytest.raises(BadInput, match=r"checkout in prod already runs 1\.4\.1\."):
        plan_factory("deploy", version="1.4.1")


def test_deploy_into_a_container_that_is_not_there_says_which_are(
    plan_factory: PlanFactory, cluster: ClusterDouble
) -> None:
    containers = [{"name": "web", "image": "a:1"}, {"name": "proxy", "image": "b:1"}]
    cluster.edit(CHECKOUT, lambda live: live["spec"]["template"]["spec"].update(containers=containers))
    with pytest.raises(BadInput, match=r'no container "checkout"\. It has: web, proxy\.'):
        plan_factory("deploy")


def test_deploy_keeps_the_live_repository_where_the_catalogue_names_none(
    plan_factory: PlanFactory, cluster: ClusterDouble
) -> None:
    cluster.add(CART, "2.0.3")
    plan = plan_factory("deploy", service="cart", environment="dev", version="2.1.0")
    assert "image: registry.example/cart:2.1.0" in plan.diff


def test_deploy_from_another_repository_shows_both(plan_factory: PlanFactory, cluster: ClusterDouble) -> None:
    def move(live: dict[str, Any]) -> None:
        live["spec"]["template"]["spec"]["containers"][0]["image"] = "old.example/checkout:1.4.2"

    cluster.edit(CHECKOUT, move)
    (shown,) = plan_factory("deploy", version="1.4.2").differences
    assert (shown.before, shown.after) == ("old.example/checkout:1.4.2", "registry.example/checkout:1.4.2")


def test_a_moving_tag_is_warned_of(plan_factory: PlanFactory) -> None:
    assert codes(plan_factory("deploy", version="latest")) == {"mutable_tag"}


@pytest.mark.parametrize("version", ["1.4 2", "-1", "a/b", "", "sha256:12", "x" * 129, "1.4.2;rm"])
def test_a_version_that_is_no_tag_is_refused(plan_factory: PlanFactory, version: str) -> None:
    with pytest.raises(BadInput, match="version"):
        plan_factory("deploy", version=version)


# -- scale -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("before", "change", "wanted"),
    [
        (3, "+2", 5),
        (3, "-1", 2),
        (3, "x2", 6),
        (3, "x1.5", 5),  # 4.5 is rounded half up
        (3, "50%", 2),  # 1.5 as well
        (5, "50%", 3),
        (5, "x0.1", 1),  # 0.5
        (4, "x0.1", 1),  # 0.4: at least 1
        (0, "+2", 2),
    ],
)
def test_a_relative_scale_is_worked_out_from_the_live_number(
    plan_factory: PlanFactory, cluster: ClusterDouble, before: int, change: str, wanted: int
) -> None:
    cluster.add(CHECKOUT, replicas=before)
    plan = plan_factory("scale", change=change)
    assert plan.patch.body == {"spec": {"replicas": wanted}}
    assert [(d.field, d.before, d.after) for d in plan.differences] == [("replicas", str(before), str(wanted))]
    assert f"-  replicas: {before}\n+  replicas: {wanted}" in plan.diff
    assert plan.undo == Scale(service="checkout", environment="prod", replicas=before).as_json()


@pytest.mark.parametrize(
    ("before", "arguments", "said"),
    [
        (3, {"replicas": 3}, "checkout in prod already has 3 replicas."),
        (3, {"replicas": 13}, "at most 12 replicas, and this would make 13"),
        (3, {"change": "x5"}, "this would make 15"),
        (3, {"change": "-3"}, "checkout in prod has 3 replicas, so that would leave none. To stop it, scale it to 0."),
        (1, {"change": "50%"}, "already has 1 replica."),
        (3, {"change": "x0"}, "To stop it, scale it to 0."),
        (0, {"change": "x2"}, "has no replicas now, so say how many it shall have"),
        (3, {"replicas": -1}, "replicas: "),
        (3, {"replicas": 5, "change": "+1"}, "and not both"),
        (3, {}, "and not both"),
        (3, {"change": "lots"}, "change: "),
    ],
)
def test_a_number_that_makes_no_sense_is_refused_in_words(
    plan_factory: PlanFactory, cluster: ClusterDouble, before: int, arguments: dict[str, Any], said: str
) -> None:
    cluster.add(CHECKOUT, replicas=before)
    with pytest.raises(BadInput) as caught:
        plan_factory("scale", **arguments)
    assert said in caught.value.say


@pytest.mark.parametrize(
    ("wanted", "said"),
    [(5, "it may change the number again"), (9, "outside of its range"), (0, "at 0 it stops working")],
)
def test_an_autoscaler_is_warned_of(plan_factory: PlanFactory, cluster: ClusterDouble, wanted: int, said: str) -> None:
    cluster.autoscalers[CHECKOUT] = Autoscaler("checkout", 3, 8)
    caution = next(c for c in plan_factory("scale", replicas=wanted).warnings if c.code == "autoscaler")
    assert caution.text.startswith("an autoscaler (3–8) owns this: ")
    assert said in caution.text


@pytest.mark.parametrize(
    ("asked", "label", "bound"),
    [
        ({"replicas": 5}, "Set its minimum to 5 instead", "minimum"),
        ({"change": "x2"}, "Set its minimum to 6 instead", "minimum"),
        ({"replicas": 1}, "Set its minimum to 1 instead", "minimum"),
        ({"replicas": 9}, "Set its maximum to 9 instead", "maximum"),
        ({"replicas": 0}, None, None),
        ({"replicas": 2}, None, None),
    ],
)
def test_the_note_offers_the_bound_that_makes_the_number_last(
    plan_factory: PlanFactory, cluster: ClusterDouble, asked: dict[str, Any], label: str | None, bound: str | None
) -> None:
    cluster.autoscalers[CHECKOUT] = Autoscaler("checkout", 2, 8)
    caution = next(c for c in plan_factory("scale", **asked).warnings if c.code == "autoscaler")
    if label is None:
        assert caution.instead is None
        return
    assert caution.instead is not None
    assert caution.instead.label == label
    assert caution.instead.action["autoscaler"] == bound
    assert label.startswith(f"Set its {bound} to {caution.instead.action['replicas']} ")


def test_stopping_a_service_is_warned_of(plan_factory: PlanFactory) -> None:
    (caution,) = plan_factory("scale", replicas=0).warnings
    assert (caution.code, caution.text) == ("to_zero", "nothing will run any more, in production")


def test_a_stateful_set_scales_and_a_daemon_set_does_not(plan_factory: PlanFactory, cluster: ClusterDouble) -> None:
    cluster.add(STORE)
    cluster.add(AGENT)
    assert plan_factory("scale", service="store", environment="dev", replicas=5).target.kind == "StatefulSet"
    with pytest.raises(BadInput, match="is a DaemonSet: it runs once on every node"):
        plan_factory("scale", service="agent", environment="dev", replicas=5)


# -- restart -----------------------------------------------------------------------------------------------------------
def test_restart_derives_its_mark_from_the_request(plan_factory: PlanFactory) -> None:
    """E1: twice is once, unlike kubectl's time stamp."""
    sent = plan_factory("restart").patch.for_request("req-9")
    assert sent.body["spec"] == {"template": {"metadata": {"annotations": {"twokey.dev/restarted-for": "req-9"}}}}
    assert plan_factory("restart").undo is None


def test_nothing_runs_so_nothing_restarts(plan_factory: PlanFactory, cluster: ClusterDouble) -> None:
    cluster.add(CHECKOUT, replicas=0)
    with pytest.raises(BadInput, match="nothing to restart"):
        plan_factory("restart")


# -- rollback ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def rolled(cluster: ClusterDouble) -> ClusterDouble:
    """checkout ran 1.3.9 (revision 1), 1.4.0 (2), and runs 1.4.1 (3)."""
    cluster.add(CHECKOUT, "1.3.9")
    cluster.deploy(CHECKOUT, "1.4.0")
    cluster.deploy(CHECKOUT, "1.4.1")
    return cluster


@pytest.mark.parametrize(
    ("to", "version", "revision"), [(None, "1.4.0", "2"), (1, "1.3.9", "1"), ("1.3.9", "1.3.9", "1")]
)
def test_rollback_goes_to_the_previous_a_numbered_or_a_named_one(
    plan_factory: PlanFactory, rolled: ClusterDouble, to: Any, version: str, revision: str
) -> None:
    plan = plan_factory("rollback", to=to)
    assert [(d.field, d.before, d.after) for d in plan.differences] == [
        ("image", "1.4.1", version),
        ("revision", "3", revision),
    ]
    assert plan.undo == {"verb": "rollback", "service": "checkout", "environment": "prod", "to": "1.4.1"}


@pytest.mark.parametrize(
    ("to", "said"),
    [
        (9, "checkout in prod has no revision 9 to go back to. There is: 2 (1.4.0), 1 (1.3.9)."),
        ("7.7", "checkout in prod has no revision with version 7.7 to go back to. There is: 2 (1.4.0), 1 (1.3.9)."),
        ("1.4.1", "checkout in prod already runs 1.4.1."),
        (3, "checkout in prod already runs what revision 3 is (1.4.1)."),
    ],
)
def test_rollback_says_what_there_is(plan_factory: PlanFactory, rolled: ClusterDouble, to: Any, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        plan_factory("rollback", to=to)
    assert caught.value.say == said


def test_rollback_without_a_past_is_refused(plan_factory: PlanFactory) -> None:
    with pytest.raises(BadInput, match=r"no older revision to go back to\. The cluster remembers none but the present"):
        plan_factory("rollback")


def test_a_restart_is_no_revision_to_go_back_to(plan_factory: PlanFactory, rolled: ClusterDouble) -> None:
    """And its mark does not come back with an older template."""

    def restarted(request: str) -> Callable[[dict[str, Any]], None]:
        mark = {"twokey.dev/restarted-for": request}
        return lambda live: live["spec"]["template"]["metadata"].update(annotations=mark)

    rolled.edit(CHECKOUT, restarted("req-1"))
    plan = plan_factory("rollback")
    assert plan.differences[0].after == "1.4.0"
    assert rolled.dry_runs[-1].body["spec"]["template"]["metadata"] == {"annotations": None}  # type: ignore[call-overload,index]


def test_rollback_of_a_configuration_alone_is_undone_by_its_number(
    plan_factory: PlanFactory, rolled: ClusterDouble
) -> None:
    rolled.edit(CHECKOUT, lambda live: live["spec"]["template"]["spec"].update(dnsPolicy="Default"))
    plan = plan_factory("rollback")
    assert plan.undo
    assert plan.undo["to"] == 4


objects_without_null = st.dictionaries(
    st.text("abc", min_size=1, max_size=2),
    st.recursive(
        st.booleans() | st.text("ab", max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=2), inner, max_size=4)
        ),
        max_leaves=12,
    ),
    max_size=4,
)


@given(objects_without_null, objects_without_null)
def test_a_rollback_s_patch_makes_exactly_the_older_template(present: dict[str, Any], wanted: dict[str, Any]) -> None:
    """RFC 7386: applied to the present one by an independent implementation."""
    assert json_merge(present, merge_patch(present, wanted)) == wanted


@pytest.mark.parametrize(
    ("full", "repository", "version"),
    [
        ("checkout", "checkout", "latest"),
        ("checkout:1.4", "checkout", "1.4"),
        ("registry:5000/team/checkout", "registry:5000/team/checkout", "latest"),
        ("registry:5000/team/checkout:1.4", "registry:5000/team/checkout", "1.4"),
        ("r.example/checkout@sha256:ab", "r.example/checkout", "sha256:ab"),
        ("r.example/checkout:1.4@sha256:ab", "r.example/checkout", "1.4"),
    ],
)
def test_an_image_is_a_repository_and_a_version(full: str, repository: str, version: str) -> None:
    assert image.split(full) == (repository, version)


def test_a_diff_of_the_same_object_is_empty(cluster: ClusterDouble) -> None:
    live = cluster.workload(CHECKOUT)
    assert preview.diff(live, {**live, "status": {}}) == ""
