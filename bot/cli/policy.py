"""twokey policy: is policy.yaml right, and what does it say to an action?"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actions.action import Action
    from approvals.actor import Actor
    from approvals.explanation import Explanation
    from approvals.policy_model import Policy
    from approvals.request import Delegation
    from bot.settings import Settings

app = typer.Typer(help="Who may do what, and with whose agreement.", no_args_is_help=True)

SOMEBODY = "somebody"
"""Who asks where nobody is named."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
File = Annotated[Path | None, typer.Option("--policy", help="The policy; TWOKEY_POLICY if not given.")]
Live = Annotated[
    bool, typer.Option("--live", help="Ask Slack who is in the user groups now, and the store whose keys are lent.")
]


@app.command()
def check(policy_file: File = None, live: Live = False, as_json: Json = False) -> None:
    """Read the policy and say what is wrong with it; exit 1 if anything is."""
    from actions import catalog, yamlfile
    from actions.registry import Registry
    from actions.verbs import VERBS
    from approvals import policy_check
    from bot import settings

    found = settings.load()
    path = policy_file or found.policy
    read = _read(found, policy_file)
    groups = _live(found, read) if live else None
    problems = policy_check.check(read, catalog.load(found.catalog), Registry(VERBS), groups)
    lines = [(yamlfile.line_of(path, problem.loc), problem) for problem in problems]
    if as_json:
        listed = [{"line": line, "key": problem.key, "say": problem.say} for line, problem in lines]
        print(json.dumps({"ok": not problems, "version": read.version, "problems": listed}))
    elif not problems:
        rules = "1 rule" if len(read.rules) == 1 else f"{len(read.rules)} rules"
        print(f"{path} is fine: {rules}, version {read.version[:12]}.")
    for line, problem in () if as_json else lines:
        print(f"{path}:{line}: {problem.key}: {problem.say}")
    raise typer.Exit(1 if problems else 0)


@app.command()
def explain(
    sentence: Annotated[list[str], typer.Argument(help="What somebody would write, like: scale checkout to 5 in prod")],
    who: Annotated[str, typer.Option("--as", help="The person who asks, by user id.")] = SOMEBODY,
    among: Annotated[list[str] | None, typer.Option("--in", help="A group the person is in; repeat for more.")] = None,
    policy_file: File = None,
    live: Live = False,
    as_json: Json = False,
) -> None:
    """Say which rule decides about a sentence, who could approve it, and why; exit 1 if it is forbidden.

    For example: twokey policy explain --in engineers "scale checkout to 5 in prod"
    """
    from actions.clock import SystemClock
    from actions.errors import BadInput
    from approvals import policy_check
    from approvals.actor import Actor
    from approvals.explanation import explain as put_in_words
    from approvals.policy import Forbidden, NeedsApproval, Subject
    from bot import settings

    found = settings.load()
    read = _read(found, policy_file)
    action = _action(found, " ".join(sentence))
    unknown = [group for group in among or () if group not in read.groups]
    if unknown:
        raise BadInput(f'The policy has no group "{unknown[0]}". It has: {", ".join(read.groups)}.')
    actor = Actor(team_id="", user_id=who)
    groups = policy_check.assumed(read) if not live else _live(found, read)
    if live:
        _require_known(found, who)
        actor = next((a for members in groups.values() for a in members if a.user_id == who), actor)
    groups = {name: members | {actor} if name in (among or ()) else members for name, members in groups.items()}
    unnamed = () if live else [name for name, group in read.groups.items() if group.usergroup]
    lent = _lent(found) if live else ()
    said = put_in_words(read, Subject.of(action), actor, groups, SystemClock().now(), unnamed, lent)
    kind, lines = type(said.verdict).__name__, _lines(read, said, unnamed, among or ())
    if as_json:
        needs = said.verdict.requirements if isinstance(said.verdict, NeedsApproval) else ()
        listed = [requirement.model_dump() for requirement in needs]
        print(json.dumps({"verdict": kind, "rule": said.verdict.rule, "needs": listed, "lines": lines}))
    else:
        print("\n".join(lines))
    raise typer.Exit(1 if isinstance(said.verdict, Forbidden) else 0)


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="The policy as it is.")],
    new: Annotated[Path, typer.Argument(help="The policy as it would be.")],
    as_json: Json = False,
) -> None:
    """List every verb, environment and class of services whose verdict changes; exit 1 if anything gets weaker.

    Weaker means that something is let through that was held back: that needs the old policy's quorum (see README).
    """
    from dataclasses import asdict

    from actions import catalog, quantities, yamlfile
    from actions.clock import SystemClock
    from actions.registry import Registry
    from actions.verbs import VERBS
    from approvals import comparison, quorum
    from approvals.policy_model import Policy
    from approvals.shift import in_lines
    from bot import settings

    before, after = (yamlfile.load(file, Policy) for file in (old, new))
    services = catalog.load(settings.load().catalog)
    shifts = comparison.compare(before, after, services, Registry(VERBS), SystemClock().now())
    weaker = any(shift.weaker for shift in shifts)
    needs = comparison.quorum_for(before, shifts) if weaker else ()
    if as_json:
        listed = [{k: v for k, v in asdict(shift).items() if k not in {"needed", "escalation"}} for shift in shifts]
        print(json.dumps({"weaker": weaker, "needs": [r.model_dump() for r in needs], "changes": listed}))
    else:
        verdict = f"weaker: it needs {quorum.say(needs)}" if weaker else "nothing gets weaker"
        changed = quantities.count(len(shifts), "verdict changes", "verdicts change")
        print(f"{changed}; {verdict}." if shifts else "No verdict changes.")
        for line in in_lines(shifts):
            print(f"  {line}")
    raise typer.Exit(1 if weaker else 0)


@app.command()
def schema(
    of_catalog: Annotated[bool, typer.Option("--catalog", help="The catalogue's schema instead.")] = False,
) -> None:
    """Print the JSON Schema of policy.yaml, for your editor."""
    from actions import yamlfile
    from actions.catalog import Catalog
    from approvals.policy_model import Policy

    print(yamlfile.schema(Catalog if of_catalog else Policy), end="")


def _read(found: Settings, named: Path | None) -> Policy:
    """The policy of the command line, or else the setting's."""
    from actions import yamlfile
    from approvals import policy
    from approvals.policy_model import Policy

    return yamlfile.load(named, Policy) if named else policy.load(found.policy)


def _lines(read: Policy, said: Explanation, unnamed: Sequence[str], among: Sequence[str]) -> list[str]:
    """Its lines; but instead of a refusal, where only Slack knows whether this person may ask, how to find out."""
    from approvals.verdict import Forbidden

    rule = next((rule for rule in read.rules if rule.name == said.verdict.rule), None)
    asked = [name for name in rule.ask if name in unnamed] if rule and isinstance(rule.ask, tuple) else []
    if not isinstance(said.verdict, Forbidden) or not asked or set(asked) & set(among):
        return list(said.lines)
    hint = f"Only Slack knows who is in {' or '.join(asked)}: add --live to ask it, or --in {asked[0]} for a member."
    return [*(line for line in said.lines if line != said.verdict.say), hint]


def _require_known(found: Settings, who: str) -> None:
    """Raises BadInput where Slack knows nobody by this id."""
    from actions.errors import BadInput
    from bot import people, slack

    if who != SOMEBODY and not people.ask(slack.sync_client(found), "users.info", {"user": who}, "user_not_found"):
        raise BadInput(f"Slack knows nobody by the id {who}. A profile's menu has it: Copy member ID.")


def _action(found: Settings, sentence: str) -> Action:
    """What the grammar reads in it. Raises BadInput where that is no whole action."""
    from actions import catalog
    from actions.errors import BadInput
    from actions.registry import Registry
    from actions.verbs import VERBS
    from intents.reader import Reader
    from intents.reading import Command

    reader = Reader(catalog.load(found.catalog), Registry(VERBS))
    reading = asyncio.run(reader.read_with("grammar", sentence))
    if not isinstance(reading, Command):
        raise BadInput(reading.say)
    return reading.action


def _lent(found: Settings) -> tuple[Delegation, ...]:
    """The keys that are in other hands now, as the store has it; where there is none, that is said."""
    from functools import partial

    from actions.clock import SystemClock
    from actions.errors import ConfigError
    from approvals.handover import active
    from approvals.store import glance, open_store

    try:
        engine = open_store(found.database_url, make=False)
    except ConfigError as error:
        typer.echo(f"Which keys are lent is not known: {error.say}", err=True)
        return ()
    try:
        return active(partial(glance, engine), SystemClock().now())
    finally:
        engine.dispose()


def _live(found: Settings, read: Policy) -> dict[str, frozenset[Actor]]:
    from actions.errors import ConfigError
    from approvals.policy_check import membership
    from bot import slack
    from bot.people import SlackDirectory

    if found.slack_bot_token is None:
        raise ConfigError("--live asks Slack, which needs SLACK_BOT_TOKEN; set it, or leave --live out.")
    return membership(read, SlackDirectory(slack.sync_client(found)))
