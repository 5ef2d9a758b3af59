"""The real client and the verbs end to end over HTTP, against the town's API server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client
from kubernetes.config.incluster_config import InClusterConfigLoader

from actions import catalog as catalogs
from actions.action import Change
from actions.clients import kube_connection
from actions.clients.kubernetes import KubernetesCluster
from actions.clients.protocols import WorkloadRef
from actions.clock import ManualClock
from actions.errors import Conflict, Denied, NotFound, Rejected, SourceError, StalePlan, Unreachable
from actions.executor import Executor
from actions.outcome import Grant, Outcome
from actions.plan import Patch, Plan
from actions.rbac import accounts
from actions.registry import Registry
from actions.toolbox import Toolbox
from actions.verbs import VERBS
from bot.playground.host import Host
from bot.playground.town.gatekeeper import Fault
from bot.playground.town.kubeconfig import write_kubeconfig
from bot.playground.town.server import Town
from bot.playground.town.world import World

CATALOG = Path(catalogs.__file__).parents[1] / "bot" / "playground" / "catalog.yaml"
CHECKOUT = WorkloadRef(cluster=None, namespace="prod", kind="Deployment", name="checkout")
PATCH_PATH = "/apis/apps/v1/namespaces/prod/deployments/checkout"


@pytest.fixture
def town(clock: ManualClock) -> Town:
    return Town(World(clock))


@pytest.fixture
def kubeconfig(town: Town, tmp_path: Path) -> Iterator[Path]:
    with Host(town.app()) as url:
        yield write_kubeconfig(url, tmp_path / "kubeconfig")


@pytest.fixture
def real(kubeconfig: Path) -> KubernetesCluster:
    return KubernetesCluster(kubeconfig)


@pytest.fixture
def tools(real: KubernetesCluster, clock: ManualClock) -> Toolbox:
    return Toolbox(catalog=catalogs.load(CATALOG), cluster=real, clock=clock)


@pytest.fixture
def hands(tools: Toolbox) -> Executor:
    return Executor(Registry(VERBS), tools)


@pytest.fixture
def plan(hands: Executor) -> Callable[..., Plan]:
    def make(verb: str, **arguments: Any) -> Plan:
        action = Registry(VERBS).parse({"verb": verb, "service": "checkout", "environment": "prod", **arguments})
        assert isinstance(action, Change)
        return hands.plan(action, "policy-1")

    return make


@pytest.fixture
def run(hands: Executor, clock: ManualClock) -> Callable[..., Outcome]:
    def run(plan: Plan, request_id: str = "req-1") -> Outcome:
        grant = Grant(request_id=request_id, digest=plan.digest, expires_at=clock.now() + timedelta(minutes=5))
        return hands.execute(plan, grant, lambda step: None, lambda: False)

    return run


MakePlan = Callable[..., Plan]
Run = Callable[..., Outcome]
CHANGES: list[dict[str, Any]] = [
    {"verb": "deploy", "version": "1.4.2"},
    {"verb": "rollback"},
    {"verb": "scale", "replicas": 5},
    {"verb": "restart"},
]
each_change = pytest.mark.parametrize("change", CHANGES, ids=lambda change: str(change["verb"]))


def patches(town: Town) -> list[str]:
    return [seen.path for seen in town.requests if seen.method == "PATCH" and not seen.dry_run]


@each_change
def test_every_changing_verb_rolls_out_and_settles(
    plan: MakePlan, run: Run, hands: Executor, town: Town, change: dict[str, Any]
) -> None:
    planned = plan(**change)
    assert planned.diff.startswith("--- now")
    assert patches(town) == []
    outcome = run(planned)
    assert outcome.ok, outcome
    assert len(patches(town)) == 1
    settled = hands.reconcile(planned, "req-1")
    assert settled
    assert settled.ok, settled


@each_change
def test_a_connection_that_breaks_after_the_patch_was_applied_does_not_double_it(
    plan: MakePlan, run: Run, town: Town, change: dict[str, Any]
) -> None:
    """E1, over HTTP: recognised by the annotation, or by the field manager for a scale."""
    planned = plan(**change)
    town.faults.add(Fault(method="PATCH", path=PATCH_PATH, drop="after"))
    assert run(planned).ok
    assert len(patches(town)) == 1


@each_change
def test_a_connection_that_breaks_before_it_is_tried_again(
    plan: MakePlan, run: Run, town: Town, change: dict[str, Any]
) -> None:
    """E1: exactly one effect when the API can be reached."""
    planned = plan(**change)
    town.faults.add(Fault(method="PATCH", path=PATCH_PATH, drop="before"))
    assert run(planned).ok
    assert len(patches(town)) == 1


@each_change
@pytest.mark.parametrize("status", [500, 503, 409])
def test_a_server_in_trouble_is_tried_again(
    plan: MakePlan, run: Run, town: Town, change: dict[str, Any], status: int
) -> None:
    planned = plan(**change)
    town.faults.add(Fault(method="PATCH", path=PATCH_PATH, status=status))
    assert run(planned).ok


def test_the_client_itself_never_repeats_a_write(real: KubernetesCluster, town: Town) -> None:
    patch = Patch(type="merge", body={"metadata": {"labels": {"x": "y"}}})
    for fault in (Fault(method="PATCH", status=503), Fault(method="PATCH", drop="after")):
        town.faults.add(fault)
        with pytest.raises(Unreachable):
            real.patch(CHECKOUT, patch, verb="deploy", request_id="req-1")
    assert len(patches(town)) == 1


def test_a_read_over_a_connection_that_was_closed_is_repeated(real: KubernetesCluster, town: Town) -> None:
    town.faults.add(Fault(method="GET", drop="before"))
    assert real.workload(CHECKOUT)["kind"] == "Deployment"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, Denied),
        (403, Denied),
        (404, NotFound),
        (409, Conflict),
        (422, Rejected),
        (429, Unreachable),
        (500, Unreachable),
    ],
)
def test_what_the_server_answers_becomes_an_error_in_words(
    real: KubernetesCluster, town: Town, status: int, error: type[SourceError]
) -> None:
    town.faults.add(Fault(method="GET", status=status, times=2))
    with pytest.raises(error) as caught:
        real.workload(CHECKOUT)
    assert type(caught.value) is error
    assert caught.value.say.endswith((".", "missing"))


def test_a_missing_workload_is_named(real: KubernetesCluster) -> None:
    with pytest.raises(NotFound, match="The cluster has no Deployment ghost in prod"):
        real.workload(WorkloadRef(None, "prod", "Deployment", "ghost"))


@pytest.mark.parametrize("token", [None, ""], ids=["gone", "empty"])
def test_a_token_that_cannot_be_read_again_is_a_refusal(tmp_path: Path, token: str | None) -> None:
    """E1: nothing was sent, so it is known that nothing happened."""
    mounted, authority = tmp_path / "token", tmp_path / "ca.crt"
    mounted.write_text("t")
    authority.write_text("x")
    place = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "1"}
    loader: Any = InClusterConfigLoader
    pod, settings = loader(str(mounted), str(authority), environ=place), client.Configuration()
    pod.load_and_set(settings)
    pod.token_expires_at = datetime.min
    settings.ssl_ca_cert = None
    mounted.unlink()
    if token is not None:
        mounted.write_text(token)
    with pytest.raises(Denied, match=r"no credential for the cluster: .+\. Renew the token"):
        kube_connection.sign(client.ApiClient(settings), {})


def test_a_token_that_cannot_be_sent_is_a_refusal(tmp_path: Path) -> None:
    odd = write_kubeconfig("http://127.0.0.1:1", tmp_path / "odd", token="a\nb")
    with pytest.raises(Denied, match="control character"):
        KubernetesCluster(odd).workload(CHECKOUT)


@pytest.mark.parametrize("name", ["a b", "a\u2028b", "checkout/scale?x", "%2e%2e"])
def test_a_name_that_is_none_is_asked_for_as_it_is(real: KubernetesCluster, town: Town, name: str) -> None:
    with pytest.raises(NotFound):
        real.workload(WorkloadRef(cluster=None, namespace="prod", kind="Deployment", name=name))


def test_a_cluster_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    nowhere = KubernetesCluster(write_kubeconfig("http://127.0.0.1:9", tmp_path / "config"))
    with pytest.raises(Unreachable, match="did not answer"):
        nowhere.workload(CHECKOUT)
    with pytest.raises(Unreachable, match="no way to the cluster"):
        KubernetesCluster(tmp_path / "missing").workload(CHECKOUT)


def test_a_bad_version_fails_fast_and_offers_the_way_back(plan: MakePlan, run: Run, clock: ManualClock) -> None:
    began = clock.now()
    outcome = run(plan("deploy", service="cart", version="2.2.0"))
    assert outcome.ok is False
    assert "crash" in outcome.summary
    assert [s.label for s in outcome.suggestions] == ["Show logs", "Roll back to 2.0.3…"]
    assert outcome.evidence
    assert clock.now() - began < timedelta(minutes=2)


def test_an_image_that_cannot_be_pulled_fails_fast(plan: MakePlan, run: Run) -> None:
    outcome = run(plan("deploy", version="9.9.9"))
    assert outcome.ok is False
    assert "cannot start: ImagePullBackOff" in outcome.summary


def test_out_of_memory_names_the_limit(plan: MakePlan, run: Run) -> None:
    outcome = run(plan("deploy", service="payments", version="3.12.0"))
    assert outcome.ok is False
    assert "OOMKilled (limit " in outcome.summary


def test_a_rollback_heals_a_bad_deploy(plan: MakePlan, run: Run, hands: Executor) -> None:
    assert run(plan("deploy", service="cart", version="2.2.0")).ok is False
    back = plan("rollback", service="cart")
    assert (back.differences[0].before, back.differences[0].after) == ("2.2.0", "2.0.3")
    assert run(back, "req-2").ok


def test_somebody_else_s_change_makes_it_stale(plan: MakePlan, run: Run, real: KubernetesCluster, town: Town) -> None:
    """E3."""
    planned = plan("scale", replicas=5)
    real.patch(CHECKOUT, Patch(type="merge", body={"spec": {"replicas": 4}}), verb="scale", request_id=None)
    with pytest.raises(StalePlan, match=r"someone set replicas to 4|Someone set replicas to 4"):
        run(planned)
    assert len(patches(town)) == 1


def test_missing_rights_are_told_and_change_nothing(plan: MakePlan, run: Run, town: Town) -> None:
    planned = plan("deploy", version="1.4.2")
    town.authorize(lambda access: access.verb != "patch")
    outcome = run(planned)
    assert outcome.ok is False
    assert outcome.summary.startswith("nothing was changed: Our credential may not do this to Deployment checkout")


def test_the_cluster_s_audit_log_shows_who_and_for_which_request(plan: MakePlan, run: Run, town: Town) -> None:
    """P4: user agent and field manager; the dry run belongs to no request."""
    run(plan("scale", replicas=5), "req-7")
    (sent,) = [seen for seen in town.requests if seen.method == "PATCH" and not seen.dry_run]
    assert sent.user_agent.startswith("twokey/")
    assert sent.user_agent.endswith("verb/scale request/req-7")
    assert sent.query["fieldManager"] == "twokey-req-7"


def test_writes_take_another_account_where_one_is_given(kubeconfig: Path, town: Town) -> None:
    """P4: the verb's own one for a change, its preview's for a dry run, ours for reading."""
    cluster = KubernetesCluster(kubeconfig, accounts.user)
    patch = Patch(type="merge", body={"metadata": {"labels": {"x": "y"}}})
    cluster.patch(CHECKOUT, patch, verb="deploy", request_id=None, dry_run=True)
    cluster.patch(CHECKOUT, patch, verb="deploy", request_id="req-1")
    cluster.workload(CHECKOUT)
    account = "system:serviceaccount:prod:twokey-deploy"
    users = [seen.user for seen in town.requests if seen.path == PATCH_PATH]
    assert users == [f"{account}-preview", account, "twokey"]


def test_the_rest_of_the_protocol_reads_the_town(
    real: KubernetesCluster, clock: ManualClock, plan: MakePlan, run: Run
) -> None:
    assert real.version(None).startswith("v1.")
    assert (autoscaler := real.autoscaler(CHECKOUT))
    assert (autoscaler.minimum, autoscaler.maximum) == (3, 8)
    pods, revisions = real.pods(CHECKOUT), real.revisions(CHECKOUT)
    assert len(pods) == 3
    assert all(pod.ready and revisions[0].name.endswith(str(pod.template_hash)) for pod in pods)
    assert revisions[0].image("checkout") == "registry.example/checkout:1.4.1"
    assert "pod-template-hash" not in revisions[0].template["metadata"]["labels"]
    assert [r.number for r in revisions] == sorted((r.number for r in revisions), reverse=True)
    assert real.allowed(None, "prod", "apps", "deployments/scale", "patch")
    lines = real.logs(CHECKOUT, clock.now() - timedelta(days=1), 50)
    assert lines
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    assert {line.pod for line in lines} <= {pod.name for pod in real.pods(CHECKOUT)}
    began = clock.now()
    run(plan("restart"))
    events = real.events(CHECKOUT, began)
    assert {event.about.partition("/")[0] for event in events} >= {"Deployment", "ReplicaSet", "Pod"}
    assert all("checkout" in event.about for event in events)


@pytest.mark.parametrize("verb", ["status", "history"])
def test_reads_answer(hands: Executor, plan: MakePlan, run: Run, verb: str) -> None:
    run(plan("deploy", version="1.4.2"))
    outcome = hands.answer(
        Registry(VERBS).parse({"verb": verb, "service": "checkout", "environment": "prod"}),  # type: ignore[arg-type]
        lambda step: None,
    )
    assert outcome.ok
    assert "1.4.2" in outcome.summary
