"""What is set up, what is not, and what to do about it. Looks only; changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from actions.errors import TwokeyError
from actions.quantities import count
from bot.settings import Settings

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from actions.catalog import Catalog
    from approvals.charter import Charter
    from approvals.policy_model import Policy
    from intents.models.endpoints import Models
    from intents.models.probe import Probed

State = Literal["ok", "off", "wrong"]
"""In order; not configured, which is allowed; needs something done."""


@dataclass(frozen=True)
class Finding:
    """One line of the table. `say` is what is there, or what to do."""

    check: str
    state: State
    say: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Every check, one after the other; a check that fails never hides the next."""
    for name, check in _CHECKS.items():
        try:
            yield from check(name, settings)
        except TwokeyError as error:
            yield Finding(name, "wrong", error.say)


def _catalog(settings: Settings) -> Catalog:
    from actions import catalog

    return catalog.load(settings.catalog)


def _check_catalog(name: str, settings: Settings) -> Iterator[Finding]:
    found = _catalog(settings)
    yield Finding(name, "ok", f"{len(found.services)} services, {len(found.environments)} environments")


def _check_policy(name: str, settings: Settings) -> Iterator[Finding]:
    from actions.registry import Registry
    from actions.verbs import VERBS
    from approvals import policy

    found = policy.load_checked(settings.policy, _catalog(settings), Registry(VERBS))
    yield Finding(name, "ok", f"{len(found.rules)} rules, version {found.version[:12]}")


def _check_policy_in_force(name: str, settings: Settings) -> Iterator[Finding]:
    from actions.clock import SystemClock
    from actions.registry import Registry
    from actions.verbs import VERBS
    from approvals import policy
    from approvals.charter import Charter
    from approvals.ledger import Ledger
    from approvals.store import open_store

    engine, registry, catalog = open_store(settings.database_url), Registry(VERBS), _catalog(settings)
    try:
        charter = Charter(Ledger(engine, SystemClock(), registry), catalog, registry)
        for file, read in ((settings.policy, policy.load(settings.policy)), (settings.catalog, catalog)):
            yield _in_force(charter, file, read, SystemClock().now())
    finally:
        engine.dispose()


def _in_force(charter: Charter, file: Path, read: Policy | Catalog, now: datetime) -> Finding:
    from approvals import amendment
    from approvals.charter import kind_of
    from bot import amending

    kind = kind_of(read)
    name, version, draft = f"{amendment.WORDS[kind]} in force", charter.version(kind), charter.compared(read, now)
    if version is None:
        return Finding(name, "off", "none yet: the first gateway that starts adopts its file")
    if draft is None or version == read.version:
        return Finding(name, "ok", f"{file}, version {version[:12]}")
    say = amending.why(draft) if draft.weaker else "the next gateway that starts adopts it: nothing gets weaker"
    return Finding(name, "wrong" if draft.weaker else "ok", f"version {version[:12]}, not {file}: {say}")


def _check_store(name: str, settings: Settings) -> Iterator[Finding]:
    from approvals.store import open_store, reading

    engine = open_store(settings.database_url)
    with reading(engine):
        yield Finding(name, "ok", engine.url.render_as_string(hide_password=True))
    engine.dispose()


def _check_log(name: str, settings: Settings) -> Iterator[Finding]:
    """L3: whether checkpoints are signed from here, and kept where whoever holds the store cannot change them."""
    from actions.clock import SystemClock
    from approvals.checkpoints import Checkpoints
    from approvals.keyring import NoKey
    from approvals.ledger import Ledger
    from approvals.store import open_store
    from bot.settings import keyring

    engine, keys, clock = open_store(settings.database_url), keyring(settings), SystemClock()
    try:
        entries, signed = Ledger(engine, clock).head().size, Checkpoints(engine, keys, clock).latest()
    finally:
        engine.dispose()
    covered = signed.size if signed else 0
    say = f"a checkpoint covers {covered:,} of {count(entries, 'entry', 'entries')}"
    places = [str(place) for place in (settings.audit_channel, settings.audit_witness) if place]
    if covered > entries:
        yield Finding(name, "wrong", f"{say}: its end was cut off. Run `twokey audit verify`.")
    elif settings.audit_key is None and keys.file is None:
        yield Finding(name, "off", f"{say}; none is signed from here. {NoKey().say}")
    elif not places:
        yield Finding(name, "off", f"{say}, and lies in the store alone (TWOKEY_AUDIT_CHANNEL, TWOKEY_AUDIT_WITNESS)")
    else:
        yield Finding(name, "ok", f"{say}; kept in {' and '.join(places)} as well")


def _check_slack(name: str, settings: Settings) -> Iterator[Finding]:
    from slack_sdk.errors import SlackApiError, SlackClientError

    from bot import slack
    from bot.work import code_of

    if settings.slack_bot_token is None:
        yield Finding(name, "wrong", "Set SLACK_BOT_TOKEN (xoxb-…): install the app from manifests/slack-app.yaml.")
        return
    try:
        answer = slack.sync_client(settings).auth_test()
    except SlackApiError as error:
        yield Finding(name, "wrong", f"Slack refuses SLACK_BOT_TOKEN: {code_of(error)}.")
        return
    except (SlackClientError, OSError, ValueError, AttributeError) as error:
        yield Finding(name, "wrong", f"Slack does not answer at {settings.slack_api_url}: {error}.")
        return
    headers = {str(key).lower(): str(value) for key, value in answer.headers.items()}
    who = f"{answer.get('user') or answer.get('user_id')} in {answer.get('team') or answer.get('team_id')}"
    told = headers.get("x-oauth-scopes")
    if told is None:
        yield Finding(name, "ok", f"{who}; this server does not say which scopes there are")
        return
    missing = sorted(SCOPES - set(told.replace(" ", "").split(",")))
    if missing:
        yield Finding(name, "wrong", f"Add the scopes {', '.join(missing)} and install the app again.")
    else:
        yield Finding(name, "ok", f"{who}, {len(SCOPES)} scopes")


def _check_groups(name: str, settings: Settings) -> Iterator[Finding]:
    from actions.registry import Registry
    from actions.verbs import VERBS
    from approvals import policy
    from bot import slack
    from bot.people import SlackDirectory

    if settings.slack_bot_token is None:
        return  # said already
    catalog = _catalog(settings)
    found = policy.load_checked(settings.policy, catalog, Registry(VERBS))
    groups = policy.membership(found, SlackDirectory(slack.sync_client(settings)))
    problems = policy.check(found, catalog, Registry(VERBS), groups)
    for problem in problems:
        yield Finding(name, "wrong", f"{settings.policy}: {problem.key}: {problem.say}")
    if not problems:
        sizes = ", ".join(f"{group} {len(members)}" for group, members in groups.items())
        yield Finding(name, "ok", f"people in them: {sizes}" if sizes else "the policy has none")


def _check_socket(name: str, settings: Settings) -> Iterator[Finding]:
    from slack_sdk import WebClient
    from slack_sdk.errors import SlackApiError, SlackClientError

    from bot import slack
    from bot.work import code_of

    if settings.slack_app_token is None:
        if settings.slack_signing_secret is None:
            yield Finding(
                name, "wrong", "Set SLACK_APP_TOKEN (xapp-…) for Socket Mode, or SLACK_SIGNING_SECRET for HTTP."
            )
        else:
            yield Finding(name, "off", "HTTP mode only: start with `twokey serve --http-port PORT`")
        return
    token = settings.slack_app_token.get_secret_value()
    try:
        client = WebClient(base_url=slack.base_url(settings), timeout=10, logger=slack.log)
        client.apps_connections_open(app_token=token)
        yield Finding(name, "ok", "a connection can be opened")
    except SlackApiError as error:
        yield Finding(name, "wrong", f"Slack refuses SLACK_APP_TOKEN: {code_of(error)}. It needs connections:write.")
    except (SlackClientError, OSError, ValueError, AttributeError) as error:
        yield Finding(name, "wrong", f"Slack does not answer at {settings.slack_api_url}: {error}.")


def _check_model(name: str, settings: Settings) -> Iterator[Finding]:
    from bot.models import reading_models

    models = reading_models(settings)
    if models is None:
        yield Finding(name, "off", "none: sentences are read by the grammar alone (OPENAI_BASE_URL, TWOKEY_MODELS)")
        return
    for found in asyncio.run(_probed(models)):
        check = f"{name}: {found.name}" if len(models.endpoints) > 1 else name
        enforces = f"enforces {found.enforces}" if found.enforces else found.say
        say = f"{found.model} answers, {enforces}, {'priced' if found.priced else 'unpriced'}"
        yield Finding(check, "wrong" if found.problem else "ok", found.problem or say)


async def _probed(models: Models) -> tuple[Probed, ...]:
    from intents.gateway import ModelGateway

    gateway = ModelGateway(models)
    try:
        return await gateway.probe()
    finally:
        await gateway.close()


def _check_cluster(name: str, settings: Settings) -> Iterator[Finding]:
    from actions.clients.kubernetes import KubernetesCluster
    from actions.rbac import accounts
    from actions.rbac.check import missing
    from actions.registry import Registry
    from actions.verbs import VERBS

    registry = Registry(VERBS)
    cluster = KubernetesCluster(settings.kubeconfig, accounts.user if settings.impersonate else None)
    lacks = missing(cluster, _catalog(settings), registry, settings.impersonate)
    for verb in registry:
        if not verb.rules:
            continue
        mine = [lack for lack in lacks if lack.verb == verb.verb]
        if mine:
            say = f"{mine[0].say} (and {len(mine) - 1} more: `twokey rbac check`)" if len(mine) > 1 else mine[0].say
            yield Finding(f"{name}: {verb.verb}", "wrong", say)
        else:
            yield Finding(f"{name}: {verb.verb}", "ok", "has its rights everywhere")


def _check_prometheus(name: str, settings: Settings) -> Iterator[Finding]:
    from datetime import UTC, datetime

    from actions.clients.prometheus import PrometheusMetrics

    if settings.prometheus_url is None:
        yield Finding(name, "off", "no metrics, no charts, no check after a change (PROMETHEUS_URL)")
        return
    PrometheusMetrics(settings.prometheus_url).instant("vector(1)", datetime.now(UTC))
    yield Finding(name, "ok", settings.prometheus_url)


def _check_loki(name: str, settings: Settings) -> Iterator[Finding]:
    from datetime import UTC, datetime, timedelta

    from actions.clients.loki import LokiLogs

    if settings.loki_url is None:
        yield Finding(name, "off", "logs come from the pods themselves (LOKI_URL)")
        return
    now = datetime.now(UTC)
    LokiLogs(settings.loki_url).query('{namespace="none"}', now - timedelta(minutes=1), now, 1)
    yield Finding(name, "ok", settings.loki_url)


# What manifests/slack-app.yaml asks for; a test holds the two together.
SCOPES = frozenset(
    {
        "app_mentions:read",
        "channels:read",
        "chat:write",
        "commands",
        "files:write",
        "groups:read",
        "im:history",
        "im:read",
        "im:write",
        "usergroups:read",
        "users:read",
    }
)

_CHECKS: dict[str, Callable[[str, Settings], Iterator[Finding]]] = {
    "catalogue": _check_catalog,
    "policy": _check_policy,
    "store": _check_store,
    "policy in force": _check_policy_in_force,
    "audit log": _check_log,
    "slack": _check_slack,
    "groups": _check_groups,
    "slack socket": _check_socket,
    "model": _check_model,
    "cluster": _check_cluster,
    "prometheus": _check_prometheus,
    "loki": _check_loki,
}
