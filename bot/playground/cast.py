"""Who and what is in the playground's workspace."""

from __future__ import annotations

from dataclasses import dataclass

TEAM_ID = "T0TOWN"
BOT_USER_ID = "U0TWOKEY"
BOT_ID = "B0TWOKEY"
APP_ID = "A0TWOKEY"
BOT_NAME = "twokey"
BOT_TOKEN = "xoxb-playground"  # noqa: S105 - opens nothing but the playground
APP_TOKEN = "xapp-playground"  # noqa: S105 - the same
SIGNING_SECRET = "playground-signing-secret"  # noqa: S105 - the same


@dataclass(frozen=True)
class Person:
    """A member of the workspace."""

    id: str
    name: str
    real_name: str
    title: str
    time_zone: str = "Europe/Athens"


@dataclass(frozen=True)
class Channel:
    """A public channel; everybody and the bot is in it."""

    id: str
    name: str
    purpose: str


@dataclass(frozen=True)
class Usergroup:
    """A Slack user group."""

    id: str
    handle: str
    members: tuple[str, ...]  # user ids


PEOPLE = (
    Person("U0ANA", "ana", "Ana Alexiou", "Engineer, may ask for changes"),
    Person("U0BEN", "ben", "Ben Berg", "SRE, may approve"),
    Person("U0CARLA", "carla", "Carla Costa", "SRE and payments owner, may approve"),
    Person("U0DORA", "dora", "Dora Dahl", "Designer, has no rights"),
)
OPS = "C0OPS"
"""Where changes are spoken of, and where a policy that is held back is offered."""

CHANNELS = (
    Channel(OPS, "ops", "Changes and questions about production"),
    Channel("C0INCIDENTS", "incidents", "One thread an incident"),
    Channel("C0RANDOM", "random", "Everything else"),
)
USERGROUPS = (
    Usergroup("S0ENGINEERS", "engineers", ("U0ANA", "U0BEN", "U0CARLA")),
    Usergroup("S0SRE", "sre", ("U0BEN", "U0CARLA")),
    Usergroup("S0PAYMENTS", "payments-owners", ("U0CARLA",)),
)
