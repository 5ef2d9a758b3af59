"""The one place that assembles the program."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Literal

from pydantic import JsonValue
from sqlalchemy import Engine

from actions import catalog as catalogs
from actions.catalog import Catalog
from actions.clients.kubernetes import KubernetesCluster
from actions.clients.protocols import Logs, Metrics
from actions.clock import Clock, SystemClock
from actions.executor import Executor
from actions.rbac import accounts
from actions.registry import Registry
from actions.toolbox import Toolbox
from actions.verbs import VERBS
from approvals import policy as policies
from approvals.charter import Charter
from approvals.checkpoints import Checkpoints, Place, WitnessFile
from approvals.gate import Gate as Approvals
from approvals.ledger import Ledger
from approvals.powers import Executing
from approvals.recollection import Recollection
from approvals.store import open_store
from bot import amending, slack
from bot import settings as told
from bot.attesting import SlackChannel
from bot.files import Files
from bot.models import eval_model, reading_models
from bot.people import Glimpse, NamedChanges, Names, SlackDirectory
from bot.readings import Readings
from bot.rounds import Round
from bot.settings import Settings
from bot.slack import Identity
from bot.spending import Spending
from bot.taking_back import TakingBack
from bot.writer import Writer
from intents.gateway import ModelGateway
from intents.reader import Reader

if TYPE_CHECKING:  # Bolt takes a while to import, and a runner has no use for it
    from bot.gateway import Gateway

Role = Literal["all", "gateway", "runner"]

TICK = timedelta(seconds=2)  # between looks for what expires and what has to be read back


class Program:
    """Everything that does not depend on who we are in Slack. `serving` runs it, once."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        files: Files,
        engine: Engine,
        executor: Executing | None = None,
        in_force: Catalog | None = None,
    ) -> None:
        """`in_force` is the catalogue that is in force instead of the file's, where that was found out already."""
        self.settings, self.clock, self.engine, self._executor = settings, clock, engine, executor
        self.files, self.first = files, in_force is None
        self.catalog = catalog = in_force or files.catalog
        self.registry = Registry(VERBS)
        client = slack.sync_client(settings)
        self.names = Names(client)
        self.directory = SlackDirectory(client, clock=clock)
        self.ledger = Ledger(engine, clock, self.registry)
        self.pulse = self.ledger.pulse(clock)
        self.checkpoints = self._checkpoints()
        self.changes = NamedChanges(Recollection(self.ledger), self.names)
        # Each verb acts under its own account (P4); switched off, all of them share our own credential.
        self.cluster = KubernetesCluster(settings.kubeconfig, accounts.user if settings.impersonate else None)
        tools = Toolbox(
            catalog=catalog,
            cluster=self.cluster,
            clock=clock,
            metrics=_metrics(settings),
            logs=_logs(settings),
            changes=self.changes,
            evals=self.ledger.proofs,
            eval_model=lambda base_url: eval_model(settings, base_url),
        )
        hands = executor or Executor(self.registry, tools)
        self.charter = Charter(self.ledger, catalog, self.registry)
        self.gate = Approvals(
            self.charter.in_force, self.directory, self.ledger, hands, self.registry, clock, self.charter
        )
        glimpse = Glimpse(self.directory)
        # Who could approve, and what help may offer: shown, never decided by, so it need not ask Slack each time.
        self.preview = Approvals(self.charter.glimpse, glimpse, self.ledger, hands, self.registry, clock)
        self.writer = Writer(engine)
        self.readings = Readings(self.writer, clock, settings.readings_days, words=settings.readings_words)
        self.spending = Spending(self.writer, self.ledger)
        self.reader = _reader(settings, catalog, self.registry, self.spending, lambda: self.charter.in_force().version)

    def successor(self) -> Program:
        """The same program by the catalogue that is in force now, once this one has ended. Raises as `build`."""
        engine = open_store(self.settings.database_url)
        ledger = Ledger(engine, self.clock, self.registry)
        in_force = Charter(ledger, self.catalog, self.registry).catalog()
        return Program(self.settings, self.clock, self.files, engine, self._executor, in_force)

    def rounds(self, role: Role) -> list[Round]:
        """What a process of this role does by itself every so often.

        That it lives it says apart: a cluster that does not answer, or much that expires at once, would hold that up
        for longer than a lease, and others would take it and its runs for dead.
        """
        found = [
            Round("signs of life", TICK, lambda: self._live(role)),
            Round("what expires or is to be read back", TICK, lambda: self._look(role)),
            Round("checkpoints of the log", TICK, self.checkpoints.tick),
        ]
        if role != "runner":
            found += [
                Round("readings to be noted", TICK, self.readings.flush),
                Round("old readings", timedelta(hours=1), self._forget),
                Round("files to be put forward", timedelta(minutes=1), self._put_forward),
            ]
        return found

    def state(self) -> dict[str, JsonValue]:
        """What the log says of it where it starts and stops."""
        state: dict[str, JsonValue] = {"version": version("twokey"), "catalog": self.catalog.version}
        policy = self.charter.known()  # none at the very first start
        return {**state, "policy": policy.version} if policy else state

    def gateway(self, identity: Identity) -> Gateway:
        """The Slack side, for one run, once it is known who we are. Imported here: Bolt is no concern of a runner."""
        from bot.announcing import Announcing
        from bot.cards import Cards
        from bot.conversation import Conversation
        from bot.delegating import Delegating
        from bot.faces import Faces
        from bot.gateway import Gateway
        from bot.health import HealthCheck
        from bot.homepage import HomePage
        from bot.inbox import Inbox
        from bot.listeners.desk import Desk
        from bot.memory import Memory
        from bot.projector import Projector
        from bot.work import Work

        session = slack.connections()
        client = slack.async_client(self.settings, session=session)
        cards = Cards(self.writer, self.clock)
        inbox = Inbox(self.writer, self.clock)
        running = self.ledger.running
        faces = Faces(self.catalog, self.registry, self.names, self.clock, self.charter.glimpse, running)
        conversation = Conversation(
            self.reader,
            self.gate,
            self.preview,
            self.ledger,
            self.registry,
            self.catalog,
            Memory(self.writer, self.clock, self.ledger, cards, inbox),
            self.names,
            identity.user_id,
            Delegating(self.gate, self.names, self.clock),
            amending.Amending(self.charter, self.ledger, cards, self.names),
            TakingBack(self.ledger, cards, faces),
            self.readings,
        )
        home = HomePage(
            client,
            conversation,
            self.gate,
            self.preview,
            self.ledger,
            Glimpse(self.directory),
            self.catalog,
            self.registry,
            faces,
            self.names,
            self.changes,
            self.clock,
            HealthCheck(
                self.ledger,
                self.checkpoints,
                self._cluster_version,
                lambda: self.reader.note,
                self.settings.model_configured,
                self.charter,
            ),
        )
        desk = Desk(
            client=client,
            conversation=conversation,
            gate=self.gate,
            approvers=self.preview.approvers,
            ledger=self.ledger,
            registry=self.registry,
            catalog=self.catalog,
            inbox=inbox,
            cards=cards,
            readings=self.readings,
            faces=faces,
            names=self.names,
            home=home,
            work=Work(),
            team_id=identity.team_id,
            bot_user_id=identity.user_id,
            bot_name=identity.name,
        )
        projector = Projector(self.ledger, cards, faces, client, identity.user_id, self.preview.approvers, self.clock)
        place = self.settings.policy_channel or self.settings.audit_channel
        announcing = Announcing(client, self.charter, cards, place)
        return Gateway(self.settings, identity, desk, inbox, projector, session, announcing)

    def _checkpoints(self) -> Checkpoints:
        places: list[Place] = []
        if self.settings.audit_witness:
            places.append(WitnessFile(self.settings.audit_witness))
        if self.settings.audit_channel:
            places.append(SlackChannel(slack.posting_client(self.settings), self.settings.audit_channel))
        every, often = self.settings.audit_every, timedelta(minutes=self.settings.audit_minutes)
        return Checkpoints(self.engine, told.keyring(self.settings), self.clock, places, every, often)

    def _cluster_version(self) -> str:
        return self.cluster.version(next(iter(self.catalog.environments.values())).cluster)

    def _live(self, role: Role) -> None:
        self.pulse.beat()
        if role != "gateway":
            self.gate.hold()

    def _look(self, role: Role) -> None:
        if role == "gateway":  # which has no hands
            self.gate.keep_time()
        else:
            self.gate.tick()

    def _forget(self) -> None:
        self.readings.forget()
        self.spending.forget()

    def _put_forward(self) -> None:
        self.files.put_forward_again(self.charter, self.directory, self.registry)


def build(settings: Settings, clock: Clock | None = None, executor: Executing | None = None) -> Program:
    """Read the files and open the store. Asks nobody over the network. `executor` takes the place of the real one.

    Raises ConfigError with file, line and key of what is wrong.
    """
    catalog = catalogs.load(settings.catalog)
    policy = policies.load_checked(settings.policy, catalog, Registry(VERBS))
    engine = open_store(settings.database_url)
    return Program(settings, clock or SystemClock(), Files(settings, catalog, policy), engine, executor)


def _metrics(settings: Settings) -> Metrics | None:
    from actions.clients.prometheus import PrometheusMetrics

    return PrometheusMetrics(settings.prometheus_url) if settings.prometheus_url else None


def _logs(settings: Settings) -> Logs | None:
    from actions.clients.loki import LokiLogs

    return LokiLogs(settings.loki_url) if settings.loki_url else None


def _reader(
    settings: Settings, catalog: Catalog, registry: Registry, spending: Spending, policy: Callable[[], str]
) -> Reader:
    models = reading_models(settings)
    gateway = ModelGateway(models, book=spending) if models is not None else None
    return Reader(catalog, registry, gateway, policy)
