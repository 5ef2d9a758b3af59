"""What the town runs, read from world.yaml: services with the behaviour of their versions, and a seeded history."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from pydantic import BaseModel, ConfigDict

from actions import yamlfile
from bot.playground.town.timeline import Behaviour

REGISTRY = "registry.example/"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


class Service(_Value):
    """One service: its versions and what they do, its normal figures, and its pod."""

    versions: dict[str, Behaviour]
    traits: dict[str, float]
    memory_limit: str
    min_ready_seconds: int = 0
    environment: dict[str, str] = {}


class Start(_Value):
    """A workload as it was when the town's memory begins."""

    replicas: int
    version: str


class Autoscaling(_Value):
    """A HorizontalPodAutoscaler."""

    namespace: str
    workload: str
    minimum: int
    maximum: int
    cpu_percent: int


class PastChange(_Value):
    """A deploy or a scaling, `ago` minutes before the town is first looked at."""

    ago: int
    namespace: str
    workload: str
    version: str | None = None
    replicas: int | None = None
    by: str

    @property
    def cause(self) -> str:
        """As `kubernetes.io/change-cause` has it."""
        what = f"deploy {self.version}" if self.version else f"scale to {self.replicas}"
        return f"{what} ({self.by})"


class Plan(_Value):
    """The whole of world.yaml."""

    services: dict[str, Service]
    namespaces: dict[str, dict[str, Start]]
    autoscalers: tuple[Autoscaling, ...]
    history: tuple[PastChange, ...]

    def version(self, image: str) -> str:
        """The tag of an image; for the digest of a known version its tag too."""
        name, _, digest = image.partition("@")
        if digest:
            service = name.removeprefix(REGISTRY).partition(":")[0]
            known = self.services[service].versions if service in self.services else {}
            return next((version for version in known if digest_of(service, version) == digest), digest)
        return image.rpartition("/")[2].partition(":")[2] or "latest"

    def behaviour(self, service: str, version: str) -> Behaviour:
        """What this version does; `good` for an unknown one."""
        known: Mapping[str, Behaviour] = self.services[service].versions if service in self.services else {}
        return known.get(version, "good")

    def image_behaviour(self, image: str) -> Behaviour | None:
        """What a container of this image does; None where the image cannot be pulled.

        The town's own registry has the known versions alone; every other registry has everything, and it is good.
        """
        if not image.startswith(REGISTRY):
            return "good"
        service = image.removeprefix(REGISTRY).partition("@")[0].partition(":")[0]
        if service not in self.services:
            return None
        return self.services[service].versions.get(self.version(image))


def digest_of(service: str, version: str) -> str:
    """The digest under which the town's registry keeps this version."""
    return "sha256:" + hashlib.sha256(f"{service}:{version}".encode()).hexdigest()


@cache
def plan() -> Plan:
    """The town's own plan."""
    text = resources.files("bot.playground.town").joinpath("world.yaml").read_text(encoding="utf-8")
    return yamlfile.parse(text, Plan, "world.yaml")
