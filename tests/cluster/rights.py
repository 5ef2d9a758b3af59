"""What an account may do, asked of a real API server, and roles with one right less."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from actions.action import Action
from actions.rbac import accounts
from actions.rbac.rights import Right, Workloads, reading, writing
from tests.cluster.control_plane import Json
from tests.cluster.shop import Hands, Shop
from tests.waiting import until

ROLES = "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles/{}"
_BESIDE = ("impersonate", "escalate", "bind", "approve", "sign")  # verbs that discovery does not list
_OWN = ("selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews")  # what anybody may ask of himself
Asked = tuple[str, str, str]
"""(group, resource, verb)"""


def declared(verbs: Iterable[type[Action]], kinds: Workloads) -> list[tuple[str, str, Right]]:
    """(verb, the role that holds it, right) for every single right of these verbs where there are these kinds."""
    return [
        (verb.verb, role, right)
        for verb in verbs
        for role, rights in (
            (accounts.READER, reading([verb], kinds)),
            (accounts.name(verb.verb), writing(verb, kinds)),
        )
        for right in rights
    ]


@contextmanager
def without(shop: Shop, hands: Hands, where: str, role: str, right: Right) -> Iterator[None]:
    """For the length of the block this role lacks this right, as far as the API server's authorizer is concerned."""
    path = ROLES.format(where, role)
    whole: list[Json] = shop.call("GET", path).json()["rules"]
    user = "" if role == accounts.READER else accounts.user(role.removeprefix("twokey-"), where)
    name = right.names[0] if right.names else ""

    def allowed() -> bool:
        return hands.cluster.allowed(None, where, right.group, right.resource, right.verb, name, user)

    replace(shop, path, [_less(rule, right) for rule in whole])
    try:
        until(lambda: not allowed(), "the right gone")
        yield
    finally:
        replace(shop, path, whole)
        until(allowed, "the right back")


def replace(shop: Shop, path: str, rules: list[Json]) -> None:
    """A role's rules, without those that are empty."""
    body = {"metadata": {"name": path.rpartition("/")[2]}, "rules": [rule for rule in rules if rule["verbs"]]}
    answer = shop.call("PUT", path, body)
    assert answer.ok, answer.text


def _less(rule: Json, right: Right) -> Json:
    if (rule["apiGroups"], rule["resources"]) != ([right.group], [right.resource]):
        return rule
    return {**rule, "verbs": [verb for verb in rule["verbs"] if verb != right.verb]}


def discovered(shop: Shop) -> Iterator[Asked]:
    """Of everything that the API server serves, and the verbs that discovery does not list."""
    versions = ["/api/v1"]
    for group in shop.call("GET", "/apis").json()["groups"]:
        versions.append(f"/apis/{group['preferredVersion']['groupVersion']}")
    for version in versions:
        group = version.removeprefix("/apis/").partition("/")[0] if version != "/api/v1" else ""
        for resource in shop.call("GET", version).json()["resources"]:
            for right in {*resource["verbs"], "get", "list", "watch", "create", "update", "patch", "delete", *_BESIDE}:
                if resource["name"] not in _OWN:
                    yield group, resource["name"], right


def rules_of(shop: Shop, user: str, where: str) -> list[Json]:
    """All rules of this user in a namespace, as the API server's authorizer resolves them."""
    body = {"spec": {"namespace": where}}
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    status = shop.call("POST", path, body, headers={"Impersonate-User": user}).json()["status"]
    assert not status["incomplete"]
    rules: list[Json] = status["resourceRules"]
    return rules


def covered(rules: list[Json], group: str, resource: str, right: str) -> frozenset[str] | None:
    """The names that it is limited to, none for no limit, and None where nothing allows it: RBAC's own matching, `*`
    included (https://kubernetes.io/docs/reference/access-authn-authz/rbac/)."""
    found = [
        frozenset(rule.get("resourceNames") or ())
        for rule in rules
        if {group, "*"} & set(rule.get("apiGroups") or ())
        and {resource, "*", f"*/{resource.partition('/')[2]}"} & set(rule.get("resources") or ())
        and {right, "*"} & set(rule["verbs"])
    ]
    if not found:
        return None
    return frozenset() if frozenset() in found else frozenset().union(*found)


def check_denials(shop: Shop, where: str, own: dict[str, dict[Asked, frozenset[str]]]) -> int:
    """That each of these users may do there what is said and nothing else in discovery; how much was asked."""
    everything, asked = list(discovered(shop)), 0
    for user, expected in own.items():
        rules = rules_of(shop, user, where)
        for each in everything:
            asked += 1
            assert covered(rules, *each) == expected.get(each), (user, *each)
        assert expected.keys() <= set(everything), "declared, and not served"
    return asked


def expected_of(
    verbs: list[type[Action]], where: str, kinds: Workloads, kept: Workloads | None = None
) -> dict[str, dict[Asked, frozenset[str]]]:
    """Of every account of ours in such a namespace, by its user: what it may do, and on which names."""
    own, home = {}, f"system:serviceaccount:{accounts.HOME}"
    changing = [verb for verb in verbs if writing(verb, kinds, kept or {})]
    for verb in changing:
        for preview in (False, True):
            own[accounts.user(verb.verb, where, preview)] = _by_asked(writing(verb, kinds, kept or {}))
    read = _by_asked(reading(verbs, kinds))
    previews = frozenset(accounts.name(verb.verb, preview=True) for verb in changing)
    real, part = frozenset(accounts.name(verb.verb) for verb in changing), ("", "serviceaccounts", "impersonate")
    own[f"{home}:{accounts.GATEWAY}"] = {**read, part: previews}
    own[f"{home}:{accounts.RUNNER}"] = {**read, part: previews | real}
    return own


def _by_asked(rights: Iterable[Right]) -> dict[Asked, frozenset[str]]:
    return {right[:3]: frozenset(right.names) for right in rights}
