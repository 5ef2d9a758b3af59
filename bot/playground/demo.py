"""Starts the playground and, in it, the very program that production runs."""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from actions.clock import Clock, SystemClock
from actions.errors import ConfigError
from bot import settings, warmup
from bot.playground import cast
from bot.playground.emulator import Emulator
from bot.playground.emulator.server import ACK_TIMEOUT
from bot.playground.host import Host
from bot.playground.town.kubeconfig import write_kubeconfig
from bot.playground.town.server import Town
from bot.playground.town.world import World

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Addresses:
    """Where everything in a running playground answers; the first line of `twokey demo --json`."""

    url: str
    slack_api: str
    kubeconfig: str
    prometheus: str
    loki: str
    catalog: str
    policy: str
    database: str
    slack_bot_token: str = cast.BOT_TOKEN
    slack_app_token: str = cast.APP_TOKEN
    slack_signing_secret: str = cast.SIGNING_SECRET

    def environ(self) -> dict[str, str]:
        """The settings with which `twokey serve` joins this playground."""
        return {
            "SLACK_BOT_TOKEN": self.slack_bot_token,
            "SLACK_APP_TOKEN": self.slack_app_token,
            "SLACK_SIGNING_SECRET": self.slack_signing_secret,
            "SLACK_API_URL": self.slack_api,
            "KUBECONFIG": self.kubeconfig,
            "PROMETHEUS_URL": self.prometheus,
            "LOKI_URL": self.loki,
            "TWOKEY_CATALOG": self.catalog,
            "TWOKEY_POLICY": self.policy,
            "TWOKEY_POLICY_CHANNEL": cast.OPS,
            "TWOKEY_DATABASE_URL": self.database,
        }


@contextmanager
def playground(
    data: Path, port: int = 0, clock: Clock | None = None, ack_timeout: float = ACK_TIMEOUT
) -> Iterator[tuple[Addresses, Emulator, Town]]:
    """Slack's emulator and the town, answering on loopback until the block ends; files go into `data`.

    `ack_timeout` is in real seconds, whatever the clock is.
    """
    clock = clock or SystemClock()
    emulator, world = Emulator(clock, ack_timeout), World(clock)
    town = Town(world)
    emulator.town = world.summary
    with Host(town.app()) as town_url, _listening(emulator, port) as url:
        yield _prepare(data, url, town_url), emulator, town


@contextmanager
def _listening(emulator: Emulator, port: int) -> Iterator[str]:
    try:
        with Host(emulator.app(), port) as url:
            yield url
    except OSError as error:
        raise ConfigError(f"Port {port} cannot be used ({error.strerror}); choose another with --port.") from None


def _prepare(data: Path, url: str, town_url: str) -> Addresses:
    data.mkdir(parents=True, exist_ok=True)
    catalog = yaml.safe_load((HERE / "catalog.yaml").read_text(encoding="utf-8"))
    for service in catalog["services"].values():
        for suite in service.get("evals", ()):
            suite["base_url"] = f"{town_url}/model/v1"
    (data / "catalog.yaml").write_text(yaml.safe_dump(catalog, sort_keys=False), encoding="utf-8")
    shutil.copyfile(HERE / "policy.yaml", data / "policy.yaml")
    for folder in ("evals", "runbooks"):
        shutil.copytree(HERE / folder, data / folder, dirs_exist_ok=True)
    write_kubeconfig(town_url, data / "kubeconfig.yaml")
    return Addresses(
        url=url,
        slack_api=f"{url}/api/",
        kubeconfig=str(data / "kubeconfig.yaml"),
        prometheus=f"{town_url}/prometheus",
        loki=town_url,
        catalog=str(data / "catalog.yaml"),
        policy=str(data / "policy.yaml"),
        database=f"sqlite:///{(data / 'twokey.db').resolve()}",
    )


def run(*, port: int, data: Path | None, ready: Callable[[Addresses, str | None], None]) -> None:
    """The whole demo, until it is stopped. `ready` hears the addresses, and which model reads too, once all answer.

    Raises ConfigError where the port is taken or a setting of the model is wrong.
    """
    own = settings.load()
    model = {name: getattr(own, name) for name in ("openai_api_key", "openai_base_url", "model", "models")}
    folder = data or Path(tempfile.mkdtemp(prefix="twokey-demo-"))
    with playground(folder, port) as (addresses, _, _):
        asyncio.run(_serve(addresses, settings.load(addresses.environ()).model_copy(update=model), ready))


async def _serve(
    addresses: Addresses, found: settings.Settings, ready: Callable[[Addresses, str | None], None]
) -> None:
    from bot import serving
    from bot.app import build

    program = build(found)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    def tell() -> None:
        ready(addresses, _model(found))
        warmup.start()

    await serving.serve(program, "all", stop, on_ready=tell)


def _model(found: settings.Settings) -> str | None:
    if not found.model_configured:
        return None
    endpoint = found.openai_base_url or "OpenAI"
    return f"{found.model} at {endpoint}" if found.model else f"the first model that {endpoint} lists"
