"""The one place that assembles the program."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from datetime import timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal

from pydantic import JsonValue
from sqlalchemy import Engine

from actions import catalog as catalogs
from actions.catalog import Catalog
from actions.clients.kubernetes import KubernetesCluster
from actions.clients.protocols import Logs, Metrics
from actions.clock import Clock, SystemClock
from actions.errors import TwokeyError
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
from approvals.request import Request, State
from approvals.store import open_store
from bot import amending, slack
from bot import settings as told
from bot.attesting import SlackChannel
from bot.files import Files
from bot.models import eval_model, reading_models
from bot.people import Glimpse, NamedChanges, Names, SlackDirectory
from bot.readings import Readings
from bot.running import Running
from bot.settings import Settings
from bot.slack import Identity
from bot.spending import Spending
from bot.taking_back import TakingBack
from bot.threads import in_daemon
from bot.writer import Writer
from intents.gateway import ModelGateway
from intents.reader import Reader

if TYPE_CHECKING:  # Bolt takes a while to import, and a runner has no use for it
    from bot.gateway import Gateway
    from bot.projector import Projector

Role = Literal["all", "gateway", "runner"]

TICK = 2  # seconds between looks for what expires and what has to be read back
LAST_TICK = 5.0  # seconds that a look under way is given at the end

_log = logging.getLogger(__name__)


class Program:
    """Everything that does not depend on who we are in Slack. `run` may be called once."""

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
        self.files, self._starts = files, in_force is None
        self.catalog = catalog = in_force or files.catalog
        self.registry = Registry(VERBS)
        client = slack.sync_client(settings)
        self.names = Names(client)
        self.directory = SlackDirectory(client)
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
        self.outgrown = False  # whether it ended since another catalogue is in force: `successor` goes by that one
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

    async def run(
        self,
        role: Role,
        stop: asyncio.Event,
        http_port: int | None = None,
        on_ready: Callable[[], object] | None = None,
    ) -> None:
        """Work until `stop` is set, or another catalogue comes into force.

        Raises ConfigError where Slack, the policy or a port is not as it must be.
        """
        try:
            await self._run(role, stop, http_port, on_ready)
        finally:
            await self.reader.close()
            await asyncio.to_thread(self.readings.flush)
            self.ledger.on_change = lambda request_id, state, new: None
            self.engine.dispose()

    async def _run(
        self, role: Role, stop: asyncio.Event, http_port: int | None, on_ready: Callable[[], object] | None
    ) -> None:
        identity = await slack.identify(slack.async_client(self.settings))
        if self._starts:
            await asyncio.to_thread(self.files.check, self.directory, self.registry)
        await asyncio.to_thread(lambda: self.pulse.start(role, self._state()))  # before any entry, to find a gap (L3)
        if self._starts and role != "runner":  # a runner has no say in what it judges by
            await asyncio.to_thread(self.files.put_forward, self.charter)
        over = asyncio.Event()
        follow = asyncio.create_task(self._follow(stop, over))
        try:
            if not await asyncio.to_thread(self._overtaken):
                await self._work(role, identity, over, http_port, on_ready)
        finally:
            follow.cancel()
            await asyncio.to_thread(self.pulse.stop, self._state())

    async def _follow(self, stop: asyncio.Event, over: asyncio.Event) -> None:
        """Ends the work at `stop`, and when another catalogue is in force than ours (A9)."""
        while not stop.is_set():
            with contextlib.suppress(TwokeyError):  # a store that does not answer says nothing of it either
                if await asyncio.to_thread(self._overtaken):
                    break
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), TICK)
        over.set()

    def _overtaken(self) -> bool:
        self.outgrown = self.outgrown or self.charter.outgrown()
        return self.outgrown

    async def _work(
        self,
        role: Role,
        identity: Identity,
        stop: asyncio.Event,
        http_port: int | None,
        on_ready: Callable[[], object] | None,
    ) -> None:
        projector: Projector | None = None
        parts: list[Coroutine[Any, Any, None]] = []
        connected = asyncio.Event()
        if role != "runner":
            gateway = self._gateway(identity)
            projector = gateway.projector
            parts.append(gateway.run(stop, http_port, connected))
            parts.append(gateway.announcing.run(stop))
            parts.append(self._get_ready(stop))
        else:
            connected.set()
        running = Running(self.ledger, self.gate)
        if role != "gateway":
            parts.append(running.run(stop))

        def ring(request_id: str, state: State, new: Request | None) -> None:
            running.ring(state)
            if projector is not None:
                projector.ring(request_id, new)

        self.ledger.on_change = ring
        timer = self._timer(role)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(part) for part in parts]
                tasks[0].add_done_callback(lambda _: connected.set())
                group.create_task(_announce(connected, stop, on_ready))
        except* TwokeyError as errors:
            raise _first(errors) from None
        finally:
            stop.set()
            with contextlib.suppress(TimeoutError):  # a tick under way may still need threads, which the end takes away
                await asyncio.wait_for(in_daemon(timer.shutdown, "timer"), LAST_TICK)

    def successor(self) -> Program:
        """The same program by the catalogue that is in force now, once this one has ended. Raises as `build`."""
        engine = open_store(self.settings.database_url)
        ledger = Ledger(engine, self.clock, self.registry)
        in_force = Charter(ledger, self.catalog, self.registry).catalog()
        return Program(self.settings, self.clock, self.files, engine, self._executor, in_force)

    async def _get_ready(self, stop: asyncio.Event) -> None:
        """Finds what the models' endpoints enforce, beside everything else."""
        probing, end = asyncio.create_task(self.reader.get_ready()), asyncio.create_task(stop.wait())
        await asyncio.wait({probing, end}, return_when=asyncio.FIRST_COMPLETED)
        end.cancel()
        if not probing.done():
            probing.cancel()
            return
        for found in probing.result():
            _log.info("model endpoint %s: %s", found.name, found.say)

    def _gateway(self, identity: Identity) -> Gateway:
        """The Slack side. Imported here: Bolt is no concern of a runner."""
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
            Memory(self.writer, self.clock, self.ledger, cards),
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

    def _timer(self, role: Role) -> Any:
        from apscheduler.schedulers.background import BackgroundScheduler

        quiet = logging.getLogger("twokey.timer")
        quiet.setLevel(logging.ERROR)  # a tick that is still at work is no news
        timer = BackgroundScheduler(timezone="UTC", daemon=True, logger=quiet)
        look = self.gate.keep_time if role == "gateway" else self.gate.tick  # a gateway has no hands
        once = {"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
        timer.add_job(self._tick, "interval", seconds=TICK, args=[look], **once)
        timer.add_job(self.checkpoints.tick, "interval", seconds=TICK, **once)
        if role != "runner":
            timer.add_job(self.readings.flush, "interval", seconds=TICK, **once)
            timer.add_job(self._forget, "interval", hours=1, **once)
            again = self.files.put_forward_again
            timer.add_job(again, "interval", minutes=1, args=[self.charter, self.directory, self.registry], **once)
        timer.start()
        return timer

    def _tick(self, look: Callable[[], None]) -> None:
        try:
            self.pulse.beat()
            look()
        except TwokeyError as error:
            _log.warning("nothing is expired or read back now: %s", error.say)

    def _forget(self) -> None:
        try:
            self.readings.forget()
            self.spending.forget()
        except TwokeyError as error:
            _log.warning("old readings stay for now: %s", error.say)

    def _state(self) -> dict[str, JsonValue]:
        state: dict[str, JsonValue] = {"version": version("twokey"), "catalog": self.catalog.version}
        policy = self.charter.known()  # none at the very first start
        return {**state, "policy": policy.version} if policy else state


def build(settings: Settings, clock: Clock | None = None, executor: Executing | None = None) -> Program:
    """Read the files and open the store. Asks nobody over the network. `executor` takes the place of the real one.

    Raises ConfigError with file, line and key of what is wrong.
    """
    catalog = catalogs.load(settings.catalog)
    policy = policies.load_checked(settings.policy, catalog, Registry(VERBS))
    engine = open_store(settings.database_url)
    return Program(settings, clock or SystemClock(), Files(settings, catalog, policy), engine, executor)


async def _announce(connected: asyncio.Event, stop: asyncio.Event, on_ready: Callable[[], object] | None) -> None:
    await connected.wait()
    if on_ready is not None and not stop.is_set():
        on_ready()


def _first(errors: BaseExceptionGroup[TwokeyError]) -> BaseException:
    found: BaseException = errors
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found


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
