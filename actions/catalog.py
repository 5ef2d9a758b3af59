"""catalog.yaml: which services and environments there are, and where they run."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from pydantic import Field, JsonValue, PrivateAttr, ValidationInfo, field_validator, model_validator

from actions import canonical, tripwire, yamlfile
from actions.clients.protocols import WorkloadRef
from actions.errors import UnknownEnvironment, UnknownService
from actions.keepers import field
from actions.kinds import WorkloadKind
from actions.managed import Kept, ManagedBy
from actions.similar import Similar
from actions.terms import Name, Value


class Environment(Value):
    """A place where services run."""

    aliases: tuple[str, ...] = ()
    cluster: str | None = Field(None, description="kubeconfig context; the current one if not given")
    namespace: Name | None = Field(None, description="the environment's own name if not given")
    production: bool | None = Field(None, description="marked as production on cards; true for prod if not given")


class Workload(Value):
    """The object in the cluster that runs a service."""

    kind: WorkloadKind = "Deployment"
    name: Name | None = Field(None, description="the service's own name if not given")
    container: Name | None = Field(
        None, description="the container that deploy changes; the service's name if not given"
    )
    namespace: Name | None = Field(None, description="where it differs from its environment's")


class Price(Value):
    """What a model takes, in US dollars a million tokens."""

    input: float = Field(ge=0, allow_inf_nan=False)
    output: float = Field(ge=0, allow_inf_nan=False)


class EvalSuite(Value):
    """An eval suite of a model service: promptfoo's YAML, and how a version is reached."""

    suite: Name
    file: str | None = Field(None, description="relative to the catalogue; evals/<suite>.yaml if not given")
    base_url: str | None = Field(None, description="OpenAI-compatible endpoint; OPENAI_BASE_URL if not given")
    model: str = Field("{version}", description="the model's name at that endpoint, {version} filled in")
    threshold: float | None = Field(
        None, gt=0, le=1, description="share of the questions that a version has to pass to be ready, baseline or not"
    )
    price: Price | None = Field(None, description="US dollars a million tokens; known models need none")
    aliases: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, data: Any) -> Any:
        if isinstance(data, str):
            stem = Path(data).stem
            return {"suite": stem, "file": data} if data.endswith((".yaml", ".yml")) else {"suite": data}
        return data


class Runbook(Value):
    """A page or file for people."""

    title: str
    url: str | None = None
    file: str | None = None
    symptoms: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _from_address(cls, data: Any) -> Any:
        if isinstance(data, str):
            return {"title": Path(data).stem, ("url" if "://" in data else "file"): data}
        return data


def _or_a_word(schema: dict[str, Any]) -> None:
    """Beside the whole form: the tool's name, where the rest follows from it."""
    schema["anyOf"].insert(0, {"enum": ["argocd", "flux", "rollouts"]})


class Service(Value):
    """Something that people deploy and look after."""

    description: str = ""
    aliases: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    environments: tuple[str, ...] | None = Field(None, description="all of them if not given")
    workload: Workload = Workload()
    image: str | None = Field(None, description="repository without a tag; deploy keeps the live one's if not given")
    managed_by: ManagedBy | None = Field(
        None,
        description="argocd or flux, where its version is kept there, or rollouts for a workload of kind Rollout; "
        "the workload itself keeps it if not given",
        json_schema_extra=_or_a_word,
    )
    max_replicas: int = Field(20, ge=1, le=10_000, description="scale refuses more than this")
    metrics: dict[str, str] = Field(
        {}, description="metric -> PromQL template; {namespace} {service} {workload} {window}"
    )
    logs: dict[str, str] = Field({}, description="selector -> LogQL stream selector template; same fields")
    guards: dict[Name, tripwire.Line] = Field(
        {}, description="environment -> what rolls a deploy back by itself, like `error_rate x2 within 10m`"
    )
    runbooks: tuple[Runbook, ...] = ()
    evals: tuple[EvalSuite, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _rollouts(cls, data: Any) -> Any:
        """`managed_by: rollouts`: the workload itself is Argo Rollouts' own kind, and keeps its version itself."""
        if not isinstance(data, dict) or data.get("managed_by") not in ("rollouts", {"tool": "rollouts"}):
            return data
        work = data.get("workload") or {}
        if isinstance(work, dict) and work.get("kind", "Rollout") != "Rollout":
            raise ValueError(f"managed_by is rollouts, and its workload is a {work['kind']}: leave one of them out")
        return {key: value for key, value in data.items() if key != "managed_by"} | {
            "workload": {**work, "kind": "Rollout"}
        }

    @field_validator("managed_by")
    @classmethod
    def _stands_somewhere(cls, managed: ManagedBy | None, others: ValidationInfo) -> ManagedBy | None:
        if managed:
            field.require(managed.keeper, managed.path, bool(others.data.get("image")))
        return managed


class Catalog(Value):
    """The whole file. Lookups take a name or an alias in any case and never guess."""

    environments: dict[Name, Environment]
    services: dict[Name, Service]
    _folder: Path = PrivateAttr(default_factory=Path)  # where the file stands
    _written: dict[str, JsonValue] | None = PrivateAttr(None)  # what it was restored from

    def path_of(self, file: str) -> Path:
        """A file that the catalogue names, relative to the catalogue itself."""
        return self._folder / file

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name, service in self.services.items():
            for key, places in (("environments", service.environments or ()), ("guards", service.guards)):
                for environment in places:
                    if environment not in self.environments:
                        raise ValueError(f"services.{name}.{key} names {environment}, which is no environment")
        self._require_one_keeper_each()
        _unique("service", ((n, (n, *s.aliases)) for n, s in self.services.items()))
        _unique("environment", ((n, (n, *e.aliases)) for n, e in self.environments.items()))
        suites = [(n, suite) for n, s in self.services.items() for suite in s.evals]
        _unique("suite", ((f"{s.suite} of {n}", (s.suite, *s.aliases)) for n, s in suites))
        return self

    @cached_property
    def version(self) -> str:
        """SHA-256 over the content: comments, order of keys and spelled-out defaults do not count."""
        return canonical.digest(canonical.exact(self.content))

    @property
    def content(self) -> dict[str, JsonValue]:
        """As JSON, without what is as it is by default; of one that was `restored` what it was restored from."""
        return self.model_dump(mode="json", exclude_defaults=True) if self._written is None else self._written

    @cached_property
    def service_names(self) -> dict[str, str]:
        """Every name and alias in lower case -> the service's name."""
        return _index({n: s.aliases for n, s in self.services.items()})

    @cached_property
    def _similar(self) -> Similar:
        return Similar(self.service_names)

    @cached_property
    def environment_names(self) -> dict[str, str]:
        """Every name and alias in lower case -> the environment's name."""
        return _index({n: e.aliases for n, e in self.environments.items()})

    @cached_property
    def suites(self) -> dict[str, tuple[str, EvalSuite]]:
        """Every suite's name and alias in lower case -> (service, suite)."""
        found: dict[str, tuple[str, EvalSuite]] = {}
        for name, service in self.services.items():
            for suite in service.evals:
                for word in (suite.suite, *suite.aliases):
                    found[word.lower()] = (name, suite)
        return found

    def similar_services(self, word: str, limit: int = 3) -> tuple[str, ...]:
        """Services whose name or alias looks like this word, best first. For suggestions, never for choices."""
        found = self._similar.to(word.lower(), limit * 2)
        return tuple(dict.fromkeys(self.service_names[key] for key in found))[:limit]

    def environments_of(self, service: str) -> tuple[str, ...]:
        """Where it runs, in the order of the file."""
        entry = self.services[service]
        return tuple(e for e in self.environments if entry.environments is None or e in entry.environments)

    def ref(self, service: str, environment: str) -> WorkloadRef:
        """The workload of a service in an environment.

        Raises UnknownService or UnknownEnvironment.
        """
        entry = self.services.get(service)
        if entry is None:
            raise UnknownService(service, self.similar_services(service))
        if environment not in self.environments_of(service):
            raise UnknownEnvironment(environment, self.environments_of(service))
        place = self.environments[environment]
        work = entry.workload
        return WorkloadRef(
            cluster=place.cluster,
            namespace=work.namespace or place.namespace or environment,
            kind=work.kind,
            name=work.name or service,
        )

    def kept(self, service: str, environment: str) -> Kept | None:
        """Where the service's version is kept in an environment; None where its workload keeps it itself.

        Raises UnknownService or UnknownEnvironment.
        """
        place, entry = self.ref(service, environment), self.services[service]
        if entry.managed_by is None:
            return None
        return entry.managed_by.kept(service, environment, place, entry.image or "")

    def container(self, service: str) -> str:
        """The container that deploy changes."""
        return self.services[service].workload.container or service

    def _require_one_keeper_each(self) -> None:
        """One place for a version, one service in one environment: else a deploy to dev would be one to prod."""
        owner: dict[Kept, str] = {}
        for service, entry in self.services.items():
            for environment in self.environments_of(service) if entry.managed_by else ():
                kept, here = self.kept(service, environment), f"{service} in {environment}"
                if kept and owner.setdefault(kept, here) != here:
                    shared = f"{kept.ref.kind} {kept.ref.name} would keep the version of {owner[kept]} and of {here}"
                    say = f"{shared}; put {{environment}} or {{service}} into its name"
                    raise yamlfile.misplaced(("services", service, "managed_by"), say)

    def is_production(self, environment: str) -> bool:
        """Whether cards mark this environment as production."""
        marked = self.environments[environment].production
        return environment == "prod" if marked is None else marked


def load(path: Path) -> Catalog:
    """Read catalog.yaml. Raises ConfigError with file, line and key."""
    catalog = yamlfile.load(path, Catalog, "TWOKEY_CATALOG")
    catalog._folder = path.parent
    return catalog


def restored(content: dict[str, JsonValue], folder: Path) -> Catalog:
    """A catalogue from its `content`, which may be of another release; the files that it names stand in `folder`.

    Raises pydantic's ValidationError.
    """
    catalog = Catalog.model_validate(content)
    catalog._folder, catalog._written = folder, content
    return catalog


def _index(entries: dict[str, tuple[str, ...]]) -> dict[str, str]:
    return {word.lower(): name for name, aliases in entries.items() for word in (name, *aliases)}


def _unique(what: str, entries: Iterable[tuple[str, tuple[str, ...]]]) -> None:
    owner: dict[str, str] = {}
    for name, words in entries:
        for word in {w.lower() for w in words}:
            if word in owner:
                raise ValueError(f'the {what}s {owner[word]} and {name} both answer to "{word}"')
            owner[word] = name
