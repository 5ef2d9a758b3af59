"""From an understanding to a change: which verb, which arguments, and what is still in doubt."""

from __future__ import annotations

from typing import Any, NamedTuple

from intents.grammar.amounts import shift
from intents.grammar.search import Parse

_ALWAYS = frozenset(
    (
        "order",
        "service",
        "environment",
        "ref",
        "polite",
        "begs",
        "we",
        "gerund",
        "mind",
        "same",
        "wants",
        "done",
        "aimed",
        "named",
        "noun",
    )
)


class Draft(NamedTuple):
    """An action as far as it was said; `doubts` are arguments that mean several things."""

    verb: str
    said: dict[str, Any]
    missing: tuple[str, ...] = ()
    doubts: dict[str, tuple[str | int, ...]] = {}  # noqa: RUF012 - never changed
    ref: bool = False  # points at something in the thread: "it", "that"
    vague: bool = False  # said with a word that fits many verbs: "make"
    unsure: bool = False  # may mean something else: "cart prod 5 replicas", an image of another registry


def change(parse: Parse) -> Draft | None:
    """The change that was ordered, or None where the words do not make one."""
    slots = parse.slots
    verb = slots.get("order")
    if verb is None or (parse.verbs is not None and verb not in parse.verbs):
        return None
    if slots.get("gerund") and not slots.get("mind"):
        return None  # "restarting cart in prod" tells, "would you mind restarting cart" asks
    if slots.get("noun") and not slots.get("named"):
        return None  # "i need a restart of cart", "can i get a rollback of cart"
    if bool(slots.get("wants")) != bool(slots.get("done")):
        return None  # "i need cart restarted"
    build = {"deploy": _deploy, "rollback": _rollback, "scale": _scale, "restart": _restart}[verb]
    draft = build(slots)
    return draft._replace(unsure=True) if draft and slots.get("named") and not slots.get("begs") else draft


def verbless(parse: Parse) -> Draft | None:
    """`cart to 5 in prod`, `cart 2.1.0 to prod`, `one more pod for cart in prod`: what else could be meant?

    Only for sentences without an order of any other kind: in "scale api to 5" nobody speaks of a service "scale-api".
    """
    slots = parse.slots
    if not {"service", "environment"} <= set(slots) or {"ref", "same", "needs_back", "deploy"} & set(slots):
        return None
    if parse.verbs == frozenset({"scale"}) and {"to", "change", "counted"} & set(slots):
        draft = _scale(slots)
        tells = slots.get("direction") == "down" or not {"to", "change", "begs"} & set(slots)
        return draft._replace(unsure=tells or draft.unsure) if draft is not None and not draft.missing else None
    placed = parse.verbs is not None and parse.verbs <= {"deploy", "history"} and "deploy" in parse.verbs
    if placed and "version" in slots:  # "to prod" or "→ prod"; "cart 2.1.0 in prod" may ask what runs there
        return _deploy(slots)
    if parse.verbs is not None and "deploy" in parse.verbs and "version" in slots and {"aimed", "begs"} & set(slots):
        draft = _deploy(slots)  # "cart to 2.1.0 in prod", "cart 2.1.0 in prod please"
        return draft and draft._replace(unsure=not {"aimed", "begs"} <= set(slots))
    return None


def _target(slots: dict[str, Any]) -> dict[str, Any]:
    return {key: slots.get(key) for key in ("service", "environment")}


def _only(slots: dict[str, Any], *allowed: str) -> bool:
    return not set(slots) - _ALWAYS - set(allowed)


def _deploy(slots: dict[str, Any]) -> Draft | None:
    if not _only(slots, "version", "bare", "source", "weak", "loose", "unsaid", "elsewhere"):
        return None
    if (slots.get("weak") or slots.get("loose")) and "version" not in slots:
        return None
    missing = () if "version" in slots and "bare" not in slots and slots.get("unsaid") != "whatever" else ("version",)
    return Draft(
        "deploy",
        {**_target(slots), "version": None if missing else slots["version"]},
        missing,
        ref=bool(slots.get("ref")),
        unsure=bool(slots.get("elsewhere")),
    )


def _rollback(slots: dict[str, Any]) -> Draft | None:
    if not _only(
        slots,
        "version",
        "revision",
        "previous",
        "bare",
        "source",
        "needs_back",
        "needs_target",
        "back",
        "of_deploy",
        "deploy",
        "undoes",
    ):
        return None
    if slots.get("undoes") and "version" in slots and not slots.get("aimed"):
        return None  # "undo checkout 1.4.2" goes away from it, and not back to it
    if bool(slots.get("of_deploy")) != bool(slots.get("deploy")):
        return None
    if bool(slots.get("needs_back")) and not slots.get("back"):
        return None
    given = [key for key in ("version", "revision", "previous", "bare") if key in slots]
    if slots.get("needs_target") and not given:
        return None  # "bring cart back in prod" may mean to start it again
    if len(given) > 1 or ("source" in slots and "version" not in slots):
        return None
    doubts: dict[str, tuple[str | int, ...]] = {}
    if given == ["bare"]:
        doubts = {"to": (int(slots["bare"]), str(slots["bare"]))}
    target = slots.get("version", slots.get("revision"))
    if "version" in slots and not slots.get("aimed"):  # "roll back cart 1.4.2": to it, or away from it?
        doubts = {"to": (str(slots["version"]),)}
    return Draft("rollback", {**_target(slots), "to": target}, (), doubts, bool(slots.get("ref")))


def _restart(slots: dict[str, Any]) -> Draft | None:
    if not _only(slots, "give", "give_object", "counted", "pods"):
        return None
    if bool(slots.get("give")) != bool(slots.get("give_object")) or (slots.get("pods") and not slots.get("counted")):
        return None
    return Draft("restart", _target(slots), ref=bool(slots.get("ref")))


_AMOUNTS = ("to", "number", "by", "by_percent", "change")


def _scale(slots: dict[str, Any]) -> Draft | None:
    allowed = (*_AMOUNTS, "direction", "adds", "gives", "weak", "loose", "back", "counted", "wanted", "more", "slight")
    given = [key for key in _AMOUNTS if key in slots]
    if not _only(slots, *allowed) or len(given) > 1 or (given and "more" in slots):
        return None
    kind = given[0] if given else None
    if not _plain_enough(slots, kind):
        return None
    draft = Draft("scale", {**_target(slots), "replicas": None, "change": None}, ref=bool(slots.get("ref")))
    draft = draft._replace(vague=bool(slots.get("loose")), unsure=bool(slots.get("slight")))
    if kind is None:
        return draft._replace(missing=("replicas",))
    return _amount(draft, slots, kind)


def _plain_enough(slots: dict[str, Any], kind: str | None) -> bool:
    """Whether a word that may mean much ("take", "make", "run", "add") is made plain by what stands with it."""
    if slots.get("weak"):
        return kind in ("to", "change", "by", "by_percent") or ("direction" in slots and kind is not None)
    if slots.get("wanted"):
        return kind == "change" or bool(slots.get("counted") or slots.get("more"))
    if slots.get("loose"):
        return kind in ("to", "change") or (kind == "number" and bool(slots.get("counted") or slots.get("ref")))
    if slots.get("adds"):
        return kind in ("number", "change") or (kind == "to" and slots["adds"] == "-")
    if slots.get("gives"):
        return kind in ("number", "change")
    return True


def _amount(draft: Draft, slots: dict[str, Any], kind: str) -> Draft | None:
    value, sign = slots[kind], {"up": "+", "down": "-"}.get(slots.get("direction", ""))
    if kind == "change":
        return _with(draft, change=value) if _agrees(str(value), sign) else None
    if kind == "to":
        return _with(draft, replicas=value)
    if kind == "by_percent":
        share = shift(value, sign) if sign else None
        return _with(draft, change=share) if share else None
    if kind == "by":
        return _with(draft, change=f"{sign}{value}") if sign else _doubt(draft, change=(f"+{value}", f"-{value}"))
    if slots.get("adds"):
        return _with(draft, change=f"{slots['adds']}{value}") if value else None
    if slots.get("gives") and value:
        return _doubt(draft, change=(f"+{value}",), replicas=(value,))
    if sign and value:  # "scale up checkout 2": to two, or by two?
        return _doubt(draft, change=(f"{sign}{value}",), replicas=(value,))
    return _with(draft, replicas=value)


def _agrees(change: str, sign: str | None) -> bool:
    """`scale down by 2 more` contradicts itself."""
    grows = change.startswith(("+", "x")) and not change.startswith("x0")
    return sign is None or grows == (sign == "+")


def _with(draft: Draft, **said: Any) -> Draft:
    return draft._replace(said={**draft.said, **said})


def _doubt(draft: Draft, **doubts: tuple[str | int, ...]) -> Draft:
    return draft._replace(doubts=doubts)
