"""Suites, assertions, scores, and a whole run against a real HTTP endpoint."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from actions import yamlfile
from actions.catalog import Catalog, Price
from actions.catalog import load as load_catalog
from actions.clients.openai_chat import OpenAIChat
from actions.clients.protocols import Cluster, Completion
from actions.clock import ManualClock
from actions.errors import BadInput, ConfigError, SourceError
from actions.evals import assertions, cost, score, standard
from actions.evals.standard import NoBar
from actions.evals.suite import Assertion, Suite
from actions.executor import Executor
from actions.outcome import Step, Table, TextFile
from actions.registry import Registry
from actions.toolbox import Toolbox
from actions.verbs.run_eval import RunEval
from bot.playground.host import Host


def with_entry(tools: Toolbox, **changes: Any) -> None:
    """The one suite of the catalogue, changed."""
    catalog = tools.catalog
    service = catalog.services["shop"]
    changed = service.evals[0].model_copy(update=changes)
    catalog.services["shop"] = service.model_copy(update={"evals": (changed,)})


def priced(tools: Toolbox, price: dict[str, float] | None) -> None:
    with_entry(tools, price=Price.model_validate(price) if price else None)


SUITE = """
prompts: ["Answer shortly: {{question}}"]
defaultTest: {assert: [{type: latency, threshold: 20000}]}
tests:
  - {description: capital, vars: {question: capital of France}, assert: [{type: icontains, value: paris}]}
  - {description: sum, vars: {question: 2 + 2}, assert: [{type: equals, value: "4"}]}
  - {description: json, vars: {question: an object}, assert: [{type: is-json}]}
  - {description: no apology, vars: {question: anything}, assert: [{type: not-contains, value: sorry}]}
"""
ANSWERS = {
    "shop-1": {"capital": "It is Paris.", "2 + 2": "4", "object": "{}", "anything": "=HYPERLINK(1)"},
    "shop-2": {"capital": "Rome", "2 + 2": "four", "object": "{", "anything": "sorry"},
}


@pytest.fixture
def endpoint() -> Iterator[str]:
    """An OpenAI-compatible server that answers from ANSWERS, and fails for every other model."""

    async def complete(request: web.Request) -> web.Response:
        body = await request.json()
        table = ANSWERS.get(body["model"])
        if table is None:
            return web.json_response({"error": {"message": "no such model"}}, status=404)
        text = next(answer for key, answer in table.items() if key in body["messages"][0]["content"])
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
        frame = {"id": "x", "object": "chat.completion", "created": 1, "model": body["model"]}
        return web.json_response({**frame, "choices": [choice], "usage": usage})

    app = web.Application()
    app.router.add_post("/v1/chat/completions", complete)
    with Host(app) as url:
        yield f"{url}/v1"


@pytest.fixture
def tools(tmp_path: Path, endpoint: str) -> Toolbox:
    (tmp_path / "evals").mkdir()
    (tmp_path / "evals" / "quality.yaml").write_text(SUITE)
    entry = {"suite": "quality", "base_url": endpoint, "model": "shop-{version}"}
    data = {"environments": {"prod": {}}, "services": {"shop": {"evals": [entry]}}}
    (tmp_path / "catalog.yaml").write_text(json.dumps(data))  # JSON is YAML too
    catalog: Catalog = load_catalog(tmp_path / "catalog.yaml")
    nothing: Cluster = None  # type: ignore[assignment]  # an eval never looks at the cluster
    return Toolbox(catalog, nothing, ManualClock(), eval_model=lambda url: OpenAIChat(url, None))


def test_a_candidate_is_compared_with_its_baseline_question_by_question(tools: Toolbox) -> None:
    steps: list[Step] = []
    outcome = RunEval(suite="quality", candidate="2", baseline="1").answer(tools, steps.append)

    assert "shop 2 passes 0 of 4 (0 %) on quality, 1 passes 4 of 4 (100 %)" in outcome.summary
    assert outcome.summary.startswith("*Worse: not ready for prod.*")
    assert sorted(s.done or 0 for s in steps) == list(range(1, 9))
    table, page, file = outcome.evidence
    assert isinstance(table, Table)
    assert isinstance(page, TextFile)
    assert isinstance(file, TextFile)
    assert page.name == "quality-2.html"
    assert [row[0] for row in table.rows] == ["capital", "sum", "json", "no apology"]
    assert len(file.content.splitlines()) == 1 + 8


def in_its_file(old: str, new: str) -> Callable[[Toolbox], None]:
    """The suite's file, changed."""

    def change(tools: Toolbox) -> None:
        assert old in SUITE
        tools.catalog.path_of("evals/quality.yaml").write_text(SUITE.replace(old, new))

    return change


@pytest.mark.parametrize(
    "change",
    [
        lambda tools: with_entry(tools, threshold=0.9),
        lambda tools: with_entry(tools, model="shop-{version}-small"),
        lambda tools: with_entry(tools, base_url="http://elsewhere/v1"),
        in_its_file("shortly", "at length"),
        in_its_file("capital of France", "capital of Greece"),
        in_its_file("threshold: 20000", "threshold: 2000"),
        in_its_file("value: paris", "value: 'paris, of course'"),
        in_its_file("type: icontains", "type: contains"),
        in_its_file("not-contains", "contains"),
        in_its_file(
            "  - {description: sum", "  - {vars: {question: more}, assert: [{type: is-json}]}\n  - {description: sum"
        ),
    ],
)
def test_a_run_is_bound_to_what_its_suite_asked_and_wanted(tools: Toolbox, change: Callable[[Toolbox], None]) -> None:
    """A3: endpoint, model, threshold, prompts, variables and assertions; so a run proves nothing of a harder suite."""
    run = RunEval(suite="quality", candidate="1").answer(tools, lambda _: None).run
    assert run is not None
    assert run.standard == standard.now(tools.catalog, "shop", "quality")
    change(tools)
    assert run.standard != standard.now(tools.catalog, "shop", "quality")


@pytest.mark.parametrize(
    "change",
    [
        lambda tools: with_entry(tools, aliases=("q",)),
        lambda tools: priced(tools, {"input": 1, "output": 1}),
        in_its_file("prompts:", "# for the shop\ndescription: what it has to know\nprompts:"),
        in_its_file(
            "{description: json, vars: {question: an object}", "{vars: {question: an object}, description: json"
        ),
    ],
)
def test_what_changes_no_question_leaves_its_runs_as_they_are(
    tools: Toolbox, change: Callable[[Toolbox], None]
) -> None:
    before = standard.now(tools.catalog, "shop", "quality")
    change(tools)
    assert before == standard.now(tools.catalog, "shop", "quality")


@pytest.mark.parametrize(("service", "name"), [("shop", "other"), ("other", "quality")])
def test_a_suite_that_the_catalogue_does_not_have_is_said(tools: Toolbox, service: str, name: str) -> None:
    with pytest.raises(ConfigError, match=f"no suite {name} of {service}"):
        standard.now(tools.catalog, service, name)


def test_no_rule_can_rest_on_a_suite_without_a_threshold(tools: Toolbox) -> None:
    """A3: the executor names its standard only where a share of the questions has to pass, whatever the baseline."""
    hands = Executor(Registry([]), tools)
    with pytest.raises(NoBar, match="no threshold"):
        hands.standard("shop", "quality")
    with_entry(tools, threshold=0.9)
    assert hands.standard("shop", "quality") == standard.now(tools.catalog, "shop", "quality")


def test_the_card_says_what_moved_how_slow_and_what_it_cost_for_both(tools: Toolbox) -> None:
    """Four questions of 7 and 3 tokens at 2,000 and 10,000 dollars a million: 17.6 cents, for each version."""
    priced(tools, {"input": 2_000, "output": 10_000})
    outcome = RunEval(suite="quality", candidate="2", baseline="1").answer(tools, lambda _: None)
    (line,) = outcome.details
    assert re.fullmatch(
        r"4 got worse, 0 got better · p95 [\d.]+ m?s \(1: [\d.]+ m?s\) · \$0\.176 \(1: \$0\.176\)", line
    )


@pytest.mark.parametrize("price", [None, {"input": 0.0001, "output": 0}])
def test_a_price_that_nobody_knows_is_unpriced_and_never_nothing(
    tools: Toolbox, price: dict[str, float] | None
) -> None:
    priced(tools, price)
    (line,) = RunEval(suite="quality", candidate="1").answer(tools, lambda _: None).details
    assert line.endswith("· unpriced" if price is None else "· under $0.001")


def test_a_known_model_has_its_price_without_any_network() -> None:
    answers = [score.Answered("q", True, (), "a", 0.1, 1_000_000, 0)]
    assert (cost.dollars("gpt-4o-mini", answers, None) or 0) > 0
    assert cost.dollars("nobody-1", answers, None) is None
    assert cost.dollars("gpt-4o-mini", [score.Answered("q", True, (), "a", 0.1)], None) is None


@pytest.mark.parametrize(
    ("candidate", "baseline", "threshold", "begins", "passed"),
    [
        ("2", "1", None, "*Worse", False),
        ("2", "1", 0.9, "*Worse", False),
        ("2", "2b", 0.9, "*Below the bar", False),
        ("1", None, 0.9, "*Above the bar", True),
        ("1", None, None, "shop 1 passes", False),
        ("1", "2", 0.9, "*Better", True),
    ],
)
def test_a_run_says_whether_its_version_is_ready(
    tools: Toolbox, candidate: str, baseline: str | None, threshold: float | None, begins: str, passed: bool
) -> None:
    """What a deploy may rest on: a number alone, without baseline and threshold, shows nothing."""
    ANSWERS["shop-2b"] = ANSWERS["shop-2"]
    with_entry(tools, threshold=threshold)
    outcome = RunEval(suite="quality", candidate=candidate, baseline=baseline).answer(tools, lambda _: None)
    assert outcome.summary.startswith(begins)
    assert outcome.run is not None
    assert outcome.run.passed is passed
    assert (outcome.run.service, outcome.run.suite, outcome.run.version) == ("shop", "quality", candidate)


def test_the_report_needs_nothing_from_outside_and_believes_nobody(tools: Toolbox) -> None:
    """S5: what a model said is text; the page loads, links and runs nothing, and says so to the browser as well."""
    ANSWERS["shop-3"] = {**ANSWERS["shop-2"], "capital": "<script>alert(1)</script><img src=//evil.example/x>"}
    outcome = RunEval(suite="quality", candidate="3", baseline="1").answer(tools, lambda _: None)
    page = next(p.content for p in outcome.evidence if isinstance(p, TextFile) and p.name.endswith(".html"))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert not re.search(r"<(script|img|link|iframe|a|object|form)\b", page)
    assert "default-src 'none'" in page
    assert "url(" not in page
    assert page.index("Got worse (4)") < page.index("Got better (0)") < page.index("As before (0)")


def test_an_answer_that_looks_like_a_formula_is_inert_in_the_csv(tools: Toolbox) -> None:
    outcome = RunEval(suite="quality", candidate="1").answer(tools, lambda _: None)
    file = outcome.evidence[-1]
    assert isinstance(file, TextFile)
    assert ",'=HYPERLINK(1)" in file.content
    assert "passes 4 of 4" in outcome.summary


def test_a_version_that_does_not_exist_is_named_and_scores_nothing(tools: Toolbox) -> None:
    with pytest.raises(SourceError, match=r'shop-9 answered none of 4 questions.*knows no model "shop-9"'):
        RunEval(suite="quality", candidate="9").answer(tools, lambda _: None)


def test_an_unknown_suite_is_answered_with_the_known_ones(tools: Toolbox) -> None:
    with pytest.raises(BadInput, match="The catalogue has: quality"):
        RunEval(suite="speed", candidate="1").answer(tools, lambda _: None)


@pytest.mark.parametrize(
    ("kind", "value", "text", "passes"),
    [
        ("equals", "a", "a", True),
        ("equals", "a", "A", False),
        ("contains", "b", "abc", True),
        ("contains", "B", "abc", False),
        ("icontains", "B", "abc", True),
        ("regex", "^a.c$", "abc", True),
        ("regex", "^b", "abc", False),
        ("is-json", None, '{"a": 1}', True),
        ("is-json", None, "{a: 1}", False),
        ("not-contains", "b", "abc", False),
        ("not-is-json", None, "prose", True),
    ],
)
def test_each_assertion_means_what_promptfoo_means(kind: str, value: str | None, text: str, passes: bool) -> None:
    found = assertions.failures((Assertion(type=kind, value=value),), Completion(text, 0.1, 1, 1))
    assert (found == ()) is passes


@pytest.mark.parametrize(("seconds", "passes"), [(0.499, True), (0.5, True), (0.501, False)])
def test_latency_is_in_milliseconds_and_the_threshold_still_passes(seconds: float, passes: bool) -> None:
    limit = Assertion(type="latency", threshold=500)
    assert (assertions.failures((limit,), Completion("", seconds, None, None)) == ()) is passes


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "prompts: [a]\ntests:\n  - assert:\n      - {type: llm-rubric, value: x}",
            r":4: .*no assertion \"llm-rubric\"",
        ),
        ("prompts: ['{{q}}']\ntests:\n  - {vars: {}, assert: [{type: is-json}]}", "test 1 gives no value for q"),
        ("prompts: [a]\ntests:\n  - {vars: {}}", "test 1 asserts nothing"),
        ("prompts: [a]\ntests:\n  - assert: [{type: regex, value: '('}]", "regular expression is wrong"),
        ("prompts: [a]\ntest: []", ":2: test: there is no such key"),
    ],
)
def test_a_wrong_suite_is_refused_with_its_line(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "suite.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=complaint):
        yamlfile.load(path, Suite)


def test_wilsons_interval_agrees_with_published_values() -> None:
    """Newcombe 1998 (Stat Med 17:857), table I, method 3: 81/263 and 15/148 and 0/20."""
    published = {(81, 263): (0.2553, 0.3662), (15, 148): (0.0624, 0.1605), (0, 20): (0.0, 0.1611)}
    for (passed, total), expected in published.items():
        assert score.Rate(passed, total).interval == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(
    ("worse", "better", "verdict"),
    [(0, 0, "as good"), (3, 2, "unclear"), (6, 1, "unclear"), (12, 1, "worse"), (1, 12, "better")],
)
def test_the_verdict_needs_an_interval_that_leaves_zero_out(worse: int, better: int, verdict: str) -> None:
    def answer(passed: bool) -> score.Answered:
        return score.Answered("q", passed, (), "", 0.1)

    old = [answer(i >= better) for i in range(60)]
    new = [answer(i < better or i >= better + worse) for i in range(60)]
    result = score.compare(new, old)
    assert (len(result.got_worse), len(result.got_better)) == (worse, better)
    assert result.verdict == verdict


def test_the_percentile_is_a_value_that_was_measured() -> None:
    assert score.percentile([4.0, 1.0, 3.0, 2.0], 0.95) == 4.0
    assert score.percentile([float(n) for n in range(1, 101)], 0.95) == 95.0


def test_the_playgrounds_suite_is_whole() -> None:
    """Sixty questions, each of which can fail."""
    root = Path(__file__).parents[2] / "bot" / "playground"
    catalog = load_catalog(root / "catalog.yaml")
    for _, entry in catalog.suites.values():
        questions = standard.read(catalog, entry).questions
        assert len(questions) == 60
        assert json.dumps([q.prompt for q in questions])
