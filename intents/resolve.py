"""From a draft to a reading: what the thread and the channel add, what must be asked, and what the catalogue refuses.

A change takes its environment and service from the speaker's words, or from the thread where they point at it (R2, R6);
a read may take them from the thread and the channel, and else from the only production environment there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import JsonValue

from actions.errors import BadInput
from actions.registry import Registry
from actions.terms import Risk
from actions.verbs.history import History
from intents import wording
from intents.grammar.changes import Draft
from intents.names import Names
from intents.reading import Command, Context, Engine, Question, Reading, Refusal

_NARROWS = History.later  # a look back that says when or who asks about every place that is not named
MOST = 25  # options offered for one argument


class Resolver:
    """Completes drafts against a catalogue."""

    def __init__(self, names: Names, registry: Registry) -> None:
        self._names, self._catalog, self._registry = names, names.catalog, registry

    def reading(self, draft: Draft, context: Context, channel: str | None, engine: Engine = "grammar") -> Reading:
        """The reading of a draft."""
        if draft.verb == "run_eval":
            return self._evaluation(draft, engine)
        said = {key: value for key, value in draft.said.items() if value is not None}
        thread = self.thread(context)
        if self.risk(draft.verb) is Risk.READ:
            said = self._for_reads(said, thread, channel)
        elif draft.ref:
            said = _completed(said, thread)
        wrong = self._wrong_place(draft.verb, said, engine)
        if wrong is not None:
            return wrong
        return self._finish(draft, said, thread, engine)

    def _finish(self, draft: Draft, said: dict[str, Any], thread: dict[str, str], engine: Engine) -> Reading:
        everywhere = draft.said.keys() & _NARROWS or (draft.verb == History.verb and draft.said.get("environment"))
        target = () if everywhere else tuple(key for key in ("service", "environment") if key not in said)
        missing = tuple(dict.fromkeys((*target, *(key for key in draft.missing if key not in said))))
        if missing or draft.doubts:
            return self._question(draft, said, missing, thread, engine)
        try:
            action = self._registry.parse({"verb": draft.verb, **said})
        except BadInput as error:
            return Refusal(reason="unsupported", say=wording.bad_argument(draft.verb, said, error), engine=engine)
        return Command(action=action, engine=engine)

    def _for_reads(self, said: dict[str, Any], thread: dict[str, str], channel: str | None) -> dict[str, Any]:
        said = _completed(said, thread)
        said = _completed(said, self._channel(channel))
        sole = None if said.keys() & _NARROWS else self._only_place(said.get("service"))
        return _completed(said, {"environment": sole}) if sole else said

    def _only_place(self, service: str | None) -> str | None:
        """The one environment that a read without one can mean: the only one there is, or the only production."""
        places = self.places(service)
        production = tuple(place for place in places if self._catalog.is_production(place))
        sole = places if len(places) == 1 else production
        return sole[0] if len(sole) == 1 else None

    def thread(self, context: Context) -> dict[str, str]:
        """The service and environment of the bot's newest action in the thread, as far as the catalogue has them."""
        for earlier in reversed(context.earlier):
            service, place = earlier.action.get("service"), earlier.action.get("environment")
            found = {}
            if isinstance(service, str) and service in self._catalog.services:
                found["service"] = service
            if isinstance(place, str) and place in self._catalog.environments:
                found["environment"] = place
            if found:
                return found
        return {}

    def _channel(self, channel: str | None) -> dict[str, str]:
        """What a channel's name says: `#prod-ops`, `#checkout`."""
        words = (channel or "").lower().lstrip("#").replace("_", "-").split("-")
        services = {named.name for named in self._names.mentioned_services(words)}
        places = {named.name for named in self._names.mentioned_environments(words)}
        found = {}
        if len(services) == 1:
            found["service"] = services.pop()
        if len(places) == 1:
            found["environment"] = places.pop()
        return found

    def _wrong_place(self, verb: str, said: Mapping[str, Any], engine: Engine) -> Refusal | None:
        service, place = said.get("service"), said.get("environment")
        if service is None or place is None or place in self._catalog.environments_of(service):
            return None
        places = self.places(service)
        return Refusal(
            reason="unknown_environment",
            say=wording.runs_elsewhere(service, place, places),
            suggestions=self.complete({"verb": verb, **said}, "environment", places),
            engine=engine,
        )

    def _question(
        self, draft: Draft, said: dict[str, Any], missing: tuple[str, ...], thread: dict[str, str], engine: Engine
    ) -> Question:
        options: dict[str, tuple[str | int, ...]] = {}
        if "service" in missing:
            options["service"] = self._services(thread)
        if "environment" in missing:
            options["environment"] = self.places(said.get("service"))
        options.update(draft.doubts)
        known: dict[str, JsonValue] = {"verb": draft.verb, **{k: v for k, v in said.items() if k not in draft.doubts}}
        ambiguous = tuple(draft.doubts)
        return Question(
            missing=missing,
            ambiguous=ambiguous,
            so_far=known,
            options=options,
            say=wording.question(known, missing, ambiguous),
            engine=engine,
        )

    def confirm(self, command: Command, say: str) -> Question:
        """The same command as a question whose one button completes it."""
        known = {key: value for key, value in command.action.as_json().items() if value is not None}
        place = str(known.pop("environment"))
        return Question(
            ambiguous=("environment",), so_far=known, options={"environment": (place,)}, say=say, engine=command.engine
        )

    def places(self, service: str | None) -> tuple[str, ...]:
        """Where a service runs, production last, so that the nearest button is the safest."""
        found = self._catalog.environments_of(service) if service else tuple(self._catalog.environments)
        if found and self._catalog.is_production(found[0]):
            found = found[::-1]
        return tuple(sorted(found, key=self._catalog.is_production))[:MOST]

    def is_production(self, place: str) -> bool:
        """Whether an environment is marked as production."""
        return self._catalog.is_production(place)

    def risk(self, verb: str) -> Risk:
        """How much harm a verb can do."""
        return self._registry[verb].risk

    def spellings(self, places: Iterable[str]) -> list[str]:
        """Every name and alias of these environments."""
        wanted = set(places)
        return [key for key, place in self._catalog.environment_names.items() if place in wanted]

    def environment(self, spelling: str) -> str:
        """The environment of a name or alias."""
        return self._catalog.environment_names[spelling]

    def _services(self, thread: dict[str, str]) -> tuple[str, ...]:
        first = [thread["service"]] if "service" in thread else []
        found: list[str] = list(first)
        for name in self._catalog.services:
            if len(found) >= MOST:
                break
            if name not in first:
                found.append(name)
        return tuple(found)

    def services_here(self, channel: str | None) -> tuple[str, ...]:
        """Services to choose from, those that the channel's name speaks of first."""
        return self._services(self._channel(channel))

    def complete(self, action: Mapping[str, Any], key: str, values: Iterable[str]) -> tuple[dict[str, JsonValue], ...]:
        """Whole actions with each of these services or environments of the catalogue; none where the rest is wrong."""
        found: list[dict[str, JsonValue]] = []
        for value in values:
            if found:  # an action does not tell one name of the catalogue from another, so one look is enough
                data = {**found[0], key: value}
            else:
                try:
                    data = self._registry.parse(
                        {**{k: v for k, v in action.items() if v is not None}, key: value}
                    ).as_json()
                except BadInput:
                    return ()
            service, place = data.get("service"), data.get("environment")
            if service in self._catalog.services and place not in self._catalog.environments_of(str(service)):
                continue
            found.append(data)
        return tuple(found)

    def _evaluation(self, draft: Draft, engine: Engine) -> Reading:
        said = dict(draft.said)
        service = said.pop("service", None)
        if "suite" not in said and service is not None:
            suites = [suite.suite for suite in self._catalog.services[service].evals]
            if len(suites) == 1:
                said["suite"] = suites[0]
            elif not suites:
                return Refusal(reason="unsupported", say=wording.no_suite(service), engine=engine)
        if service is not None and "suite" in said and self._names.suite_service(said["suite"]) != service:
            return Refusal(reason="unsupported", say=wording.other_suite(said["suite"], service), engine=engine)
        missing = tuple(key for key in ("suite", "candidate") if key not in said)
        known: dict[str, JsonValue] = {"verb": "run_eval", **said}
        if missing:
            suites = list(dict.fromkeys(suite.suite for _, suite in self._catalog.suites.values()))[:MOST]
            options: dict[str, tuple[str | int, ...]] = {"suite": tuple(suites)} if "suite" in missing else {}
            say = wording.question(known, missing, ())
            return Question(missing=missing, so_far=known, options=options, say=say, engine=engine)
        return Command(action=self._registry.parse(known), engine=engine)


def _completed(said: dict[str, Any], more: Mapping[str, str]) -> dict[str, Any]:
    return {**{key: value for key, value in more.items() if key not in said}, **said}
