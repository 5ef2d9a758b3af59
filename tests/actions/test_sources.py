"""An Application of several sources: one of them keeps the version, and no other is ever written."""

from __future__ import annotations

import copy
from itertools import permutations
from typing import Any

import pytest

from actions import disclosure, landing, wire, yamlfile
from actions.catalog import Catalog
from actions.errors import BadInput, ConfigError, StalePlan
from actions.keepers.argocd import Application
from actions.keepers.draft import remembered
from actions.managed import Kept
from actions.plan import Patch
from actions.rollout import Complete, Progressing
from actions.toolbox import Toolbox
from actions.verbs.rollback import Rollback

Json = dict[str, Any]
REPOSITORY = "registry.example/shop"
PASSWORD = {"name": "db.password", "value": "hunter22"}
VALUES: Json = {"repoURL": "https://git.example/values", "targetRevision": "main", "ref": "values"}
CHART: Json = {
    "repoURL": "https://ana:hunter22@charts.example",
    "chart": "shop",
    "targetRevision": "8.5.1",
    "helm": {
        "releaseName": "shop",
        "parameters": [PASSWORD, {"name": "image.tag", "value": "1.0"}],
    },
}
FILES: Json = {
    "repoURL": "https://git.example/shop",
    "path": "shop",
    "targetRevision": "main",
    "name": "files",
    "kustomize": {"namePrefix": "a-", "images": ["x:1", f"{REPOSITORY}:1.0"]},
}
ALL = [VALUES, CHART, FILES]
PARAMETER, IMAGES, REVISION = (
    "spec.source.helm.parameters.image.tag",
    "spec.source.kustomize.images",
    "spec.source.targetRevision",
)


def kept(version: str, source: str = "") -> Kept:
    """Where the catalogue says that it is."""
    named = f", source: '{source}'" if source else ""
    managed = f"{{tool: argocd, version: {version}{named}}}"
    text = f"environments: {{prod: {{}}}}\nservices:\n  shop:\n    image: {REPOSITORY}\n    managed_by: {managed}\n"
    found = yamlfile.parse(text, Catalog, "catalog.yaml").kept("shop", "prod")
    assert found is not None
    return found


def application(*sources: Json, **status: Any) -> Json:
    meta = {"name": "shop-prod", "uid": "u1", "resourceVersion": "7"}
    return {"kind": "Application", "metadata": meta, "spec": {"sources": [*sources]}, "status": status}


def changed(where: Kept, live: Json, version: str = "1.1") -> Patch:
    kind, spec = where.change(live, version)
    return Patch(type=kind, body={"spec": spec})


CASES: list[tuple[Kept, Json, str, Json]] = [  # where, its source, the version, that source after 1.1
    (
        kept(PARAMETER, "shop-chart"),
        {**CHART, "name": "shop-chart"},
        "1.0",
        {
            **CHART,
            "name": "shop-chart",
            "helm": {
                **CHART["helm"],
                "parameters": [PASSWORD, {"name": "image.tag", "value": "1.1"}],
            },
        },
    ),
    (
        kept(IMAGES, "files"),
        FILES,
        "1.0",
        {**FILES, "kustomize": {"namePrefix": "a-", "images": ["x:1", f"{REPOSITORY}:1.1"]}},
    ),
    (kept(REVISION, "values"), VALUES, "main", {**VALUES, "targetRevision": "1.1"}),
    (kept(REVISION, "https://git.example/values"), VALUES, "main", {**VALUES, "targetRevision": "1.1"}),
    (
        kept("spec.source.helm.valuesObject.image.tag", "{service}-chart"),
        {**CHART, "name": "shop-chart", "helm": {"valuesObject": {"image": {"tag": "1.0"}, "key": "hunter22"}}},
        "1.0",
        {**CHART, "name": "shop-chart", "helm": {"valuesObject": {"image": {"tag": "1.1"}, "key": "hunter22"}}},
    ),
]


@pytest.mark.parametrize(("where", "source", "version", "after"), CASES)
def test_the_one_that_is_meant_changes_wherever_in_the_list_it_stands_and_nothing_else_moves(
    where: Kept, source: Json, version: str, after: Json
) -> None:
    """A1, L6: what is sent holds all sources, what is kept of it only what changes, and no password."""
    others = [each for each in (VALUES, FILES, {**CHART, "chart": "other"}) if each is not source]
    for order in permutations([source, *others]):
        live = application(*order)
        patch = changed(where, live)
        assert where.version(live) == version
        assert "hunter22" not in patch.model_dump_json()
        sent = wire.bound(patch, live)
        assert sent.type == "merge"
        assert sent.body["spec"] == {"sources": [after if each is source else each for each in order]}
        assert sent.body["metadata"] == {"uid": "u1", "resourceVersion": "7"}
        later = {**live, **sent.body}
        assert landing.in_place(later, patch)
        assert not landing.in_place(live, patch)
        assert where.version(later) == "1.1"


def test_the_only_one_that_makes_manifests_needs_no_name() -> None:
    where = kept(PARAMETER)
    assert where.version(application(VALUES, CHART)) == "1.0"
    assert where.version(application(CHART, VALUES)) == "1.0"
    assert where.version({**application(), "spec": {"source": CHART}}) == "1.0"


UNCLEAR: list[tuple[str, Json, str]] = [
    ("", application(CHART, FILES), "more than one of its sources makes manifests"),
    ("elsewhere", application(CHART, FILES), 'no one source of it is called "elsewhere"'),
    ("https://git.example/shop", application(FILES, {**FILES, "path": "b"}), "no one source of it is called"),
    ("files", application(FILES, copy.deepcopy(FILES)), 'no one source of it is called "files"'),
    ("values", {**application(), "spec": {"source": CHART}}, 'no one source of it is called "values"'),
    ("values", {**application(), "spec": {}}, "There is: none."),
]


@pytest.mark.parametrize(("word", "live", "says"), UNCLEAR)
def test_where_no_source_alone_is_meant_nothing_is_read_or_written_and_the_sentence_lists_them(
    word: str, live: Json, says: str
) -> None:
    """R2: the catalogue says which, or nobody does."""
    where = kept(REVISION, word)
    assert where.version(live) is None
    with pytest.raises(BadInput) as refused:
        where.change(live, "1.1")
    assert says in refused.value.say
    assert "Name it in the catalogue, as `source` of `managed_by`." in refused.value.say
    assert "hunter22" not in refused.value.say  # L6


@pytest.mark.parametrize("spec", [{"source": CHART}, {"sources": [VALUES, CHART]}])
def test_where_the_tool_ignores_the_sources_none_is_written(spec: Json) -> None:
    """A1: `sourceHydrator` of Argo CD 3 comes before both; what is shown would happen nowhere."""
    live = {**application(), "spec": {**spec, "sourceHydrator": {"drySource": FILES}}}
    where = kept(REVISION)
    assert where.version(live) is None
    with pytest.raises(BadInput, match="Change the version in the repository that it hydrates"):
        where.change(live, "1.1")


@pytest.mark.parametrize(
    "then",
    [
        application(CHART, {**FILES, "path": "elsewhere"}),
        application(CHART, {**FILES, "repoURL": "https://git.example/fork"}),
        application(CHART, FILES, copy.deepcopy(FILES)),
        application(CHART),
        {**application(), "spec": {"source": FILES}},
    ],
)
def test_a_source_that_is_another_by_then_is_stale_and_not_written(then: Json) -> None:
    """E3: whatever became of the list, its position says nothing."""
    patch = changed(kept(IMAGES, "files"), application(CHART, FILES))
    with pytest.raises(StalePlan, match="The sources of Application shop-prod are others than they were"):
        wire.bound(patch, then)
    assert not landing.in_place(then, patch)


def test_a_password_of_another_source_is_never_shown() -> None:
    """L6: what is hidden of a source is told by that source before, and not by a neighbour."""
    live = application(VALUES, CHART, FILES)
    after = {**live, **wire.whole(changed(kept(PARAMETER, "shop"), application(VALUES, CHART)), live).body}["spec"]
    for shown in (disclosure.settings(after, live["spec"]), disclosure.settings(live["spec"], after)):
        assert "hunter22" not in str(shown)
    assert "1.1" in str(disclosure.settings(after, live["spec"]))


def test_a_comparison_counts_for_the_sources_it_was_made_with() -> None:
    health = {"health": {"status": "Healthy"}}

    def judged(*compared: Json) -> type[Any]:
        told = {"source": {"repoURL": ""}, "sources": [*compared]}
        live = application(VALUES, CHART, sync={"status": "Synced", "comparedTo": told}, **health)
        return type(Application().judge(live, None, None).judged)

    assert judged(VALUES, CHART) is Complete
    assert judged(CHART, VALUES) is Progressing
    assert judged(VALUES, {**CHART, "targetRevision": "8.5.0"}) is Progressing


def test_the_history_of_a_source_goes_back_to_its_own_commits_whatever_stood_beside_it() -> None:
    """As Argo CD keeps it: `sources` and `revisions` in the same order, `source` and `revision` where there was one."""
    older = {**VALUES, "targetRevision": "1.0"}
    entries = [
        {"id": 1, "revision": "c1", "source": VALUES},
        {"id": 2, "revisions": ["8.5.0", "c2"], "sources": [CHART, VALUES]},
        {"id": 3, "revisions": ["c3", "8.5.1"], "sources": [older, CHART], "source": {"repoURL": ""}},
        {"id": 4, "revisions": ["8.5.1", "x"], "sources": [CHART, FILES]},
        {"id": 5, "revisions": ["c5", "8.5.1"], "sources": [VALUES, CHART]},
    ]
    now = {"status": "Synced", "revisions": ["c5", "8.5.1"], "comparedTo": {"sources": [VALUES, CHART]}}
    live, where = application(VALUES, CHART, sync=now, history=entries), kept(REVISION, "values")
    found = Application().past(where.seen(live), where.field)
    assert [(past.number, past.version) for past in found] == [(5, "main"), (3, "1.0"), (2, "c2"), (1, "c1")]


@pytest.mark.parametrize("spec", [{"source": CHART}, {"sources": [VALUES, CHART]}])
@pytest.mark.parametrize(
    "before",
    [FILES, {**CHART, "chart": "other"}, {**CHART, "repoURL": "https://charts.example/old"}],
)
def test_a_version_of_another_source_is_remembered_and_never_gone_back_to(
    toolbox: Toolbox, spec: Json, before: Json
) -> None:
    """A1: a branch is no chart's version; an image's is one wherever the manifests came from."""
    earlier = {"parameters": [{"name": "image.tag", "value": "0.9"}]}
    entries = [
        {"id": 1, "revision": "8.4.0", "source": {**CHART, "targetRevision": "8.4.0"}},
        {"id": 2, "revision": "c2", "source": {**before, "targetRevision": "2.0", "helm": earlier}},
    ]
    live = {**application(), "spec": spec, "status": {"history": entries}}
    change = Rollback(service="checkout", environment="prod")
    where = kept(REVISION)
    assert [past.version for past in Application().past(where.seen(live), where.field)] == ["2.0", "8.4.0"]
    assert [past.version for past in remembered(toolbox, change, where, live)] == ["8.4.0"]
    assert [past.version for past in remembered(toolbox, change, kept(PARAMETER), live)] == ["0.9", "1.0"]


@pytest.mark.parametrize(
    ("managed", "says"),
    [
        ("{tool: flux, source: values}", "a HelmRelease has no list of sources, so leave `source` out"),
        ("{tool: argocd, source: 'two words'}", "managed_by.source"),
    ],
)
def test_a_source_that_makes_no_sense_is_refused_with_its_line(managed: str, says: str) -> None:
    text = f"environments: {{prod: {{}}}}\nservices:\n  shop:\n    managed_by: {managed}\n"
    with pytest.raises(ConfigError, match=r"catalog\.yaml:4") as refused:
        yamlfile.parse(text, Catalog, "catalog.yaml")
    assert says in refused.value.say


def test_two_services_may_keep_their_versions_in_two_sources_of_one_application() -> None:
    managed = "{{tool: argocd, name: shop, version: spec.source.helm.parameters.image.tag, source: {}}}"
    text = "environments: {prod: {}}\nservices:\n" + "".join(
        f"  {name}:\n    managed_by: {managed.format(source)}\n" for name, source in (("a", "x"), ("b", "y"))
    )
    assert yamlfile.parse(text, Catalog, "catalog.yaml").kept("b", "prod")
    with pytest.raises(ConfigError, match="would keep the version of a in prod and of b in prod"):
        yamlfile.parse(text.replace("source: y", "source: x"), Catalog, "catalog.yaml")
