"""A9: which of two catalogues is weaker is told object by object, by what the policy says of its names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from actions.catalog import Catalog, restored
from approvals import quorum, relocation
from approvals.comparison import quorum_for
from approvals.policy_model import Policy
from approvals.shift import Shift, briefly, in_lines
from tests.approvals.doubles import PLAYGROUND
from tests.approvals.test_policy_check import CATALOG, REGISTRY

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
Change = Callable[[dict[str, Any]], object]
POLICY = Policy.model_validate(yaml.safe_load(PLAYGROUND.read_text()))
EVALS = {"suite": "support-quality", "file": "evals/support-quality.yaml", "model": "support-bot-{version}"}


def a_catalog(change: Change = lambda c: None) -> Catalog:
    data = yaml.safe_load((PLAYGROUND.parent / "catalog.yaml").read_text())
    change(data)
    return Catalog.model_validate(data)


def shifts(change: Change, before: Change = lambda c: None, policy: Policy = POLICY) -> list[Shift]:
    """What gets weaker when `change` comes on top of `before`."""

    def both(data: dict[str, Any]) -> None:
        before(data)
        change(data)

    return relocation.compare(policy, a_catalog(before), a_catalog(both), REGISTRY, NOW)


def asked(found: list[Shift], policy: Policy = POLICY) -> str:
    """Whose agreement that takes."""
    return quorum.say(quorum_for(policy, found))


def service(name: str, **fields: Any) -> Change:
    """Changes one service."""
    return lambda c: c["services"].setdefault(name, {}).update(fields)


def environment(name: str, **fields: Any) -> Change:
    """Changes one environment, or adds it."""
    return lambda c: c["environments"].setdefault(name, {}).update(fields)


def together(*changes: Change) -> Change:
    """All of these."""
    return lambda c: [change(c) for change in changes]


def renamed(old: str, new: str) -> Change:
    """The same objects under another name."""

    def change(data: dict[str, Any]) -> None:
        data["services"][new] = {**data["services"].pop(old), "workload": {"name": old, "container": old}}

    return change


DEV_IS_PROD = environment("dev", namespace="prod")
ELSEWHERE = service("cart", workload={"name": "payments", "container": "payments", "namespace": "prod"})


@pytest.mark.parametrize(
    ("change", "who", "says"),
    [
        (DEV_IS_PROD, "one of sre", "Deployment checkout in prod, as checkout in prod or checkout in dev"),
        (ELSEWHERE, "one of sre and one of payments-owners", "Deployment payments in prod, as cart in prod or"),
        (
            renamed("payments", "payer"),
            "one of sre and one of payments-owners",
            "Deployment payments in prod, as payer",
        ),
        (lambda c: c["services"].pop("payments"), "one of sre and one of payments-owners", "could come back"),
        (lambda c: c["services"].pop("cart"), "one of sre", "Deployment cart in prod"),
        (service("cart", environments=["prod", "staging"]), "one of anyone else", "Deployment cart in dev"),
        (service("cart", max_replicas=11), "one of sre", "10 replicas at most -> 11 at most"),
        (service("cart", image="elsewhere.example/cart"), "one of sre", "elsewhere.example/cart in cart"),
        (service("cart", image=None), "one of sre", "the repository that it has"),
        (service("cart", workload={"container": "sidecar"}), "one of sre", "in sidecar"),
        (service("new", workload={"namespace": "kube-system"}), "one of sre", "Deployment new in kube-system"),
        (service("new", workload={"namespace": "prod"}, environments=["dev"]), "one of sre", "as new in dev"),
        (service("cart", managed_by="argocd"), "one of sre", "Application cart-prod in argocd"),
        (environment("prod", namespace="shop"), "one of sre and one of payments-owners", "as checkout in prod"),
        (lambda c: c["environments"]["dev"].update(cluster="other"), "one of sre", "of other"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_lets_something_through_is_weaker(change: Change, who: str, says: str) -> None:
    """A9: and it needs whoever the policy asks for what gets weaker."""
    found = shifts(change)
    assert found
    assert all(shift.weaker for shift in found)
    assert set(who.split(" and ")) <= set(asked(found).split(" and "))
    assert any(says in shift.say for shift in found), "\n".join(shift.say for shift in found)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: None,
        service("new"),
        service("new", environments=["dev"], max_replicas=500),
        service("cart", description="other", aliases=["trolley"], owners=["sre"], runbooks=[], metrics={"cpu": "x"}),
        service("cart", max_replicas=5),
        environment("dev", aliases=["sandbox"]),
        service("cart", guards={"prod": "error_rate x2 within 10m"}),
        renamed("cart", "trolley"),
        service("search", workload={"name": "search", "namespace": "prod"}, environments=["prod"], aliases=[]),
    ],
)
def test_what_weakens_nothing_is_not_weaker(change: Change) -> None:
    """A9: texts, aliases, lower ceilings, and new services beside the others of their namespace."""
    leaving = [s for s in shifts(change) if "out of the catalogue" not in s.after]
    assert [s.say for s in leaving] == []


def test_objects_to_which_the_same_happens_are_one_line_and_each_is_named() -> None:
    """A9: two dozen services that may all have more replicas are read at a glance, and one by one in Details."""
    names = [f"customer-recommendation-engine-{n}" for n in range(24)]

    def most(replicas: int) -> Change:
        every = {"environments": ["prod"], "max_replicas": replicas}
        return together(*(service(name, **every) for name in names))

    (found,) = shifts(most(20), before=most(10))
    assert found.say.startswith(f"WEAKER  scale Deployment {names[0]} in prod and 23 more, by whoever may ask: 10 ")
    assert found.members is not None
    assert found.members.whole == tuple(f"Deployment {name} in prod" for name in names)


def test_it_says_who_could_do_what_without_whom() -> None:
    found = {shift.say for shift in shifts(DEV_IS_PROD)}
    line = next(say for say in found if "scale" in say and "by engineers:" in say)
    assert line.startswith(
        "WEAKER  scale Deployment checkout in prod, as checkout in prod or checkout in dev and 3 more"
    )
    assert "by engineers: one of sre within 1h, starts within 15m -> nobody else" in line


def test_in_two_steps_it_takes_the_same_people_as_in_one() -> None:
    """A9: leaving is as heavy as coming back otherwise, and a namespace guards what stands in it."""
    gone = shifts(lambda c: c["services"].pop("payments"))
    assert "payments-owners" in asked(gone)
    back = shifts(
        service("payer", workload={"name": "payments"}, environments=["dev"], image="elsewhere.example/pay"),
        lambda c: c["services"].pop("payments"),
    )
    assert back == []  # in dev's own namespace it is another object
    over = shifts(service("payer", workload={"name": "payments", "namespace": "prod"}, environments=["dev"]))
    assert over


def test_a_namespace_that_a_freer_environment_shares_stays_as_guarded_as_before() -> None:
    """A9: what no name reaches is held by every environment that has workloads beside it, not by the freest."""
    environments = {"prod": {"namespace": "shop"}, "dev": {"namespace": "shop"}}
    old, new = (
        Catalog.model_validate({"environments": environments, "services": services})
        for services in ({"a": {"environments": ["prod"]}}, {"a": {"environments": ["prod"]}, "b": {}})
    )
    found = relocation.compare(POLICY, old, new, REGISTRY, NOW)
    assert any(shift.say.startswith("WEAKER  scale Deployment b in shop") for shift in found)
    assert "one of sre" in asked(found)


def test_another_name_is_no_weaker_that_is_no_easier_than_one_that_was_there() -> None:
    """A9: whoever may go by dev's name gains nothing by one for which another engineer is asked."""
    found = shifts(environment("staging", namespace="prod"), DEV_IS_PROD)
    others = [shift.say for shift in found if "out of the catalogue" not in shift.after]
    assert [say for say in others if "payments" not in say] == []


def test_another_field_of_an_object_is_as_guarded_as_the_object() -> None:
    """A9: who may write one field of what keeps a version may undo what another one says."""
    kept = {"tool": "argocd", "namespace": "argocd-{environment}"}
    before = together(*(service(name, managed_by=dict(kept)) for name in ("payments", "cart")))
    other = {**kept, "name": "payments-prod", "version": "spec.source.helm.parameters.image.tag"}
    found = shifts(service("new", environments=["prod"], managed_by=other), before)
    assert any("Application payments-prod in argocd-prod (spec.source.helm" in shift.say for shift in found)
    assert "one of payments-owners" in asked(found)
    assert shifts(service("new", environments=["prod"], managed_by={**other, "name": "new-prod"}), before) == []


def _beside_payments(data: dict[str, Any]) -> None:
    service("payments", environments=["prod"], max_replicas=12)(data)
    work = {"name": "payments", "container": "proxy"}
    image = data["services"]["payments"].get("image")
    service("proxy", environments=["prod"], max_replicas=3, workload=work, image=image)(data)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (service("proxy", max_replicas=12), "3 replicas at most -> 12 at most"),
        (service("proxy", workload={"name": "payments", "container": "payments"}), "in proxy -> "),
    ],
    ids=["replicas", "container"],
)
def test_a_freer_name_gets_nothing_that_only_a_guarded_one_had(change: Change, says: str) -> None:
    """A9: what an object is bound to is compared name by name."""
    found = shifts(change, _beside_payments)
    assert any(says in shift.say for shift in found), [shift.say for shift in found]
    assert "one of payments-owners" in asked(found)


def test_a_freer_name_keeps_its_evals_beside_a_guarded_one_without() -> None:
    """A9, A3."""
    rules = tuple(r.model_copy(update={"evals": "required"}) for r in POLICY.rules)
    policy = POLICY.model_copy(update={"rules": rules})

    def before(data: dict[str, Any]) -> None:
        _beside_payments(data)
        service("proxy", evals=[{"suite": "own"}])(data)

    assert any("evals own -> evals none" in s.say for s in shifts(service("proxy", evals=[]), before, policy))


def test_a_namespace_that_its_guarded_environment_leaves_is_weaker_without_any_service() -> None:
    """A9: whatever stands there unnamed could be brought in afterwards."""
    services = {"a": {"environments": ["dev"]}}
    two, one = (
        {"environments": {"prod": {"namespace": where}, "dev": {"namespace": "shop"}}, "services": services}
        for where in ("shop", "away")
    )
    found = relocation.compare(POLICY, Catalog.model_validate(two), Catalog.model_validate(one), REGISTRY, NOW)
    assert any("any other workload in shop" in shift.say for shift in found)
    assert relocation.compare(POLICY, Catalog.model_validate(one), Catalog.model_validate(two), REGISTRY, NOW) == []


@pytest.mark.parametrize(
    ("evals", "weaker"),
    [
        ([{**EVALS, "threshold": 0.9}], False),
        ([{**EVALS, "threshold": 0.95}], False),
        ([{**EVALS, "threshold": 0.9, "aliases": ["q"], "price": {"input": 1, "output": 1}}], False),
        ([{**EVALS, "threshold": 0.9}, {"suite": "more"}], False),
        ([], True),
        ([EVALS], True),
        ([{**EVALS, "threshold": 0.8}], True),
        ([{**EVALS, "threshold": 0.9, "file": "evals/easy.yaml"}], True),
        ([{**EVALS, "threshold": 0.9, "base_url": "http://yes.example/v1"}], True),
    ],
)
def test_evals_that_a_deploy_rests_on_are_not_dropped_by_the_catalogue(evals: list[Any], weaker: bool) -> None:
    """A9, A3: where a rule wants them; where none does, they bind nothing."""
    required = POLICY.model_copy(
        update={"rules": tuple(r.model_copy(update={"evals": "required"}) for r in POLICY.rules)}
    )
    found = shifts(service("support-bot", evals=evals), policy=required)
    assert any("evals" in shift.before for shift in found) is weaker
    free = POLICY.model_copy(update={"rules": tuple(r.model_copy(update={"evals": None}) for r in POLICY.rules)})
    assert shifts(service("support-bot", evals=evals), policy=free) == []


def test_no_other_service_takes_the_name_of_a_suite() -> None:
    """A9: else the evals that a deploy rests on were asked of another service, and nothing would get weaker."""
    with pytest.raises(ValidationError, match=r'of support-bot and .* both answer to "support-quality"'):
        a_catalog(service("zz", environments=["dev"], evals=[EVALS]))


def test_a_freeze_that_no_longer_reaches_an_object_is_weaker() -> None:
    """A9: by the moments at which it is felt."""
    frozen = yaml.safe_load(PLAYGROUND.read_text())
    frozen["rules"][4]["approvals"] = []  # prod needs nobody, as dev does
    frozen["freezes"] = [
        {"name": "w", "match": {"environments": ["prod"]}, "weekly": {"from": "fri 16:00", "until": "mon 08:00"}}
    ]
    found = shifts(environment("dev", namespace="prod"), policy=Policy.model_validate(frozen))
    assert any("frozen at" in shift.before for shift in found)


def test_ten_thousand_services_that_stay_cost_next_to_nothing() -> None:
    """Only what changed is judged, and what changed in the same way is judged once."""
    many = {f"s{n}": {"image": f"registry.example/s{n}"} for n in range(2000)}
    data = {"environments": {"prod": {}, "dev": {}}, "services": many}
    old, new = (
        Catalog.model_validate(data),
        Catalog.model_validate({**data, "environments": {"prod": {}, "dev": {"namespace": "prod"}}}),
    )
    found = relocation.compare(POLICY, old, new, REGISTRY, NOW)
    assert len([s for s in found if s.verb == "scale"]) < 10
    assert any("and 1999 more" in shift.say for shift in found)
    assert "Deployment s0, s1, s2, s3, s4, s5, s6, s7 in prod and 1992 more, in Details" in briefly(found)
    lines = in_lines(found)
    assert {"  Deployment s99 in prod, as s99 in prod or s99 in dev", "  and 1900 more"} <= set(lines)
    assert len("\n".join(lines)) < 50_000


def test_a_catalogue_comes_back_from_the_store_as_it_was() -> None:
    """A9: its version is that of its content, defaults and order aside."""
    back = restored(CATALOG.content, CATALOG.path_of(""))
    assert (back.model_dump(), back.version) == (CATALOG.model_dump(), CATALOG.version)
    assert a_catalog(service("cart", max_replicas=11)).version != CATALOG.version
    assert a_catalog(service("search", workload={})).version == CATALOG.version
    assert relocation.summary(a_catalog(service("new")), a_catalog(service("cart", max_replicas=9))) == {
        "services": {"added": [], "removed": ["new"], "changed": ["cart"]}
    }


def test_what_needs_fewer_people_comes_before_what_the_same_people_may_do_more_of() -> None:
    """A9: a card shows what comes first, and counts the rest."""
    found = shifts(together(service("checkout", max_replicas=40), DEV_IS_PROD))
    fewer = ["nobody else" in shift.after or shift.after.startswith("out of") for shift in found]
    assert fewer == sorted(fewer, reverse=True) and set(fewer) == {True, False}
