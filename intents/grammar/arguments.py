"""Readers of arguments: each looks at one position and says what may begin there, and where it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from intents import quantities
from intents.grammar import amounts, past, reads
from intents.grammar.piece import READS, Piece
from intents.names import Names
from intents.reasons import Reason
from intents.tokens import Sentence

_ENVIRONMENT_BEFORE = {
    **dict.fromkeys(("", "in", "on", "at", "for", "within", "inside", "env", "environment"), None),
    **dict.fromkeys(("@", "-n", "--namespace", "--env", "-e"), None),
    **dict.fromkeys(("to", "into", "onto", "→"), frozenset({"deploy", "history"})),
    "of": frozenset({"restart", "rollback", "scale"}) | READS,  # "take it out of prod" deploys nothing
    **dict.fromkeys(("from", "'s"), READS),
}
_SERVICE_BEFORE = {
    **dict.fromkeys(("", "for", "of", "on", "service", "app", "deployment", "deploy", "svc"), None),
    **dict.fromkeys(("to",), frozenset({"deploy", "scale"}) | READS),
    **dict.fromkeys(("from",), frozenset({"scale"}) | READS),
    "at": READS | {"scale"},  # "throw two more pods at cart"
    "with": READS | {"rollback"},  # "go back to 1.4.2 with cart"
    **dict.fromkeys(("in", "by", "into", "and", "inside", "against"), READS),
}
_COMMANDS = frozenset(("k", "kubectl", "kc", "oc"))
_KUBECTL = frozenset(("restart", "scale", "undo", "history", "status", "image", "get", "logs", "describe"))
_DETERMINERS = frozenset(("the", "our", "my"))
_ENVIRONMENT_NOUNS = frozenset(("environment", "env", "cluster", "namespace"))
_SERVICE_NOUNS = frozenset(("service", "app", "application", "deployment", "workload", "microservice"))
_POD_NOUNS = frozenset(("pods", "replicas", "instances", "containers", "capacity"))
_IMAGE_NOUNS = frozenset(
    ("version", "commit", "sha", "tag", "release", "build", "image", "versions", "hotfix", "patch", "fix", "bugfix")
)
_FLAGS = frozenset(("--namespace", "-n", "--env", "env", "environment"))
_SERVICE_FLAGS = frozenset(("service", "svc", "app"))


class Text(NamedTuple):
    """What the readers look at."""

    sentence: Sentence
    names: Names
    reasons: tuple[Reason, ...] = ()

    @property
    def words(self) -> Sequence[str]:
        return self.sentence.words


Reader = Callable[[Text, int], Iterator[Piece]]


def at(text: Text, start: int) -> Iterator[Piece]:
    """Everything that may begin at this position."""
    for reader in READERS:
        yield from reader(text, start)


def environment(text: Text, start: int) -> Iterator[Piece]:
    """`prod`, `in the prod environment`, `-n prod`."""
    words = text.words
    before = words[start] if words[start] in _ENVIRONMENT_BEFORE else ""
    for preposition in {before, ""}:
        place = start + bool(preposition)
        if preposition and words[place : place + 1] in (("env",), ("environment",), ("namespace",), ("ns",)):
            place += 1
        while place < len(words) and words[place] in _DETERMINERS:
            place += 1
        for named in text.names.environments.at(words, place):
            end = named.end + (named.end < len(words) and words[named.end] in _ENVIRONMENT_NOUNS)
            yield Piece(end, _ENVIRONMENT_BEFORE[preposition], (("environment", named.name),))


def promotion(text: Text, start: int) -> Iterator[Piece]:
    """`from staging to prod`: what a version is promoted from does not change; a button asks, as it may."""
    words = text.words
    source = next(text.names.environments.at(words, start + 1), None) if words[start] == "from" else None
    if source is not None and words[source.end : source.end + 1] in (("to",), ("into",), ("onto",)):
        for named in text.names.environments.at(words, source.end + 1):
            if named.name != source.name:
                yield Piece(named.end, frozenset({"deploy"}), (("environment", named.name), ("elsewhere", True)))


def service(text: Text, start: int) -> Iterator[Piece]:
    """`checkout`, `the checkout service`, `deploy/checkout`, `checkout's pods`."""
    words = text.words
    before = words[start] if words[start] in _SERVICE_BEFORE else ""
    if before == "deploy" and words[start - 1] not in _KUBECTL and words[0] not in _COMMANDS:
        before = ""  # there it is the verb
    for preposition in {before, ""}:
        place = start + bool(preposition)
        while place < len(words) and words[place] in _DETERMINERS:
            place += 1
        if place < len(words) and preposition and words[place] in ("service", "app", "deployment"):
            place += 1
        for end, name in _service_names(text, place):
            yield from _with_nouns(words, end, _SERVICE_BEFORE[preposition], name)


def _service_names(text: Text, place: int) -> Iterator[tuple[int, str]]:
    for named in text.names.services.at(text.words, place):
        yield named.end, named.name
    if place < len(text.words) and "/" in text.words[place]:
        name = text.names.service(text.words[place])
        if name is not None:
            yield place + 1, name


def _with_nouns(words: Sequence[str], end: int, verbs: frozenset[str] | None, name: str) -> Iterator[Piece]:
    slots: tuple[tuple[str, Any], ...] = (("service", name),)
    yield Piece(end, verbs, slots)
    if end < len(words) and words[end] == "'s":
        end += 1
        yield Piece(end, verbs, slots)
    if end < len(words) and words[end] in _SERVICE_NOUNS:
        yield Piece(end + 1, verbs, slots)
    elif end < len(words) and words[end] in _POD_NOUNS:
        yield Piece(end + 1, (verbs or frozenset({"restart", "scale"}) | READS) - {"deploy", "rollback"}, slots)
        if verbs is None or "scale" in verbs:
            yield Piece(end + 1, frozenset({"scale", "restart"}), (*slots, ("counted", True)))


def all_pods(text: Text, start: int) -> Iterator[Piece]:
    """`all pods of`, `every pod in`: the whole of one service, so no part of it."""
    words = text.words
    for phrase in (
        ("all", "pods"),
        ("all", "the", "pods"),
        ("all", "of", "the", "pods"),
        ("the", "pods"),
        ("every", "pod"),
        ("pods",),
        ("replicas",),
    ):
        end = start + len(phrase)
        if tuple(words[start:end]) == phrase and end < len(words) and words[end] in ("of", "for", "in"):
            yield Piece(end + (words[end] != "in"), frozenset({"restart"}), ())
    if words[start] == "all" and start + 1 < len(words):
        for end, name in _service_names(text, start + 1):
            if end < len(words) and words[end] in _POD_NOUNS:
                yield Piece(end + 1, frozenset({"restart"}), (("service", name),))


def compound(text: Text, start: int) -> Iterator[Piece]:
    """`checkout:1.4.2`, `checkout@prod`, `prod/checkout`, `checkout=registry/checkout:1.4.2`, `--namespace=prod`."""
    word, spelled = text.words[start], text.sentence.spelled[start]
    if word.isalnum():
        return
    for mark in (":", "@", "=", "/"):
        left, _, right = word.partition(mark)
        if not right:
            continue
        written = spelled[len(left) + 1 :]
        name, place = text.names.services.get(left), text.names.environments.get(right)
        if mark in "=:":
            yield from _flag(text, start, left, right)
        if name and place:
            yield Piece(start + 1, None, (("service", name), ("environment", place)))
        if name and mark == "=" and quantities.integer(right):
            yield Piece(start + 1, frozenset({"scale"}), (("service", name), ("to", int(right))))
        if name and mark != "/":
            yield from _image(text, start, name, written)
        other = text.names.services.get(right)
        if mark == "/" and other and text.names.environments.get(left):
            yield Piece(start + 1, None, (("service", other), ("environment", text.names.environments.get(left))))
        if mark == "/" and other is None and ":" in right:
            yield from _path(text, start)


def _flag(text: Text, start: int, flag: str, word: str) -> Iterator[Piece]:
    """`--env=prod`, `service:checkout`."""
    kinds = (("environment", _FLAGS, text.names.environments), ("service", _SERVICE_FLAGS, text.names.services))
    for kind, flags, names in kinds:
        name = names.get(word) if flag in flags else None
        if name is not None:
            yield Piece(start + 1, None, ((kind, name),))


def _image(text: Text, start: int, name: str, written: str) -> Iterator[Piece]:
    """What follows `checkout:`, `checkout@` or `checkout=`: a version, or an image of that very service."""
    path, colon, tag = written.rpartition(":")
    from_there: tuple[tuple[str, Any], ...] = ()
    if colon and not path.startswith("sha256") and text.names.services.get(path.rpartition("/")[2].lower()) == name:
        written, from_there = tag, _repository(text, name, path, known=True)
    if written == "latest":  # names no version: what it stands for changes
        yield Piece(start + 1, frozenset({"deploy"}), (("service", name), ("unsaid", True)))
    elif quantities.version(written) or (quantities.tag(written) and not quantities.integer(written)):
        yield Piece(start + 1, VERSIONED, (("service", name), ("version", written), *from_there))


def _repository(text: Text, name: str, path: str, *, known: bool = False) -> tuple[tuple[str, Any], ...]:
    """A deploy takes the catalogue's repository; one that was said and is not that is worth a question.

    `known`: one that the catalogue leaves open passes, as in `kubectl set image deploy/cart cart=registry/cart:1.4.2`.
    """
    image = text.names.catalog.services[name].image
    return () if "/" not in path or image == path or (known and image is None) else (("elsewhere", True),)


def _path(text: Text, start: int) -> Iterator[Piece]:
    """`registry.example/checkout:1.4.2`."""
    path, _, tag = text.sentence.spelled[start].rpartition(":")
    name = text.names.services.get(path.rpartition("/")[2].lower())
    if name and quantities.version(tag):
        yield Piece(start + 1, VERSIONED, (("service", name), ("version", tag), *_repository(text, name, path)))


_ORDERS = frozenset({"deploy", "rollback", "scale", "restart"})
VERSIONED = frozenset({"deploy", "rollback", "run_eval"})


def version(text: Text, start: int) -> Iterator[Piece]:
    """`1.4.2`, `to version v2.1`, `at tag main-3f2a`, `from 1.4.1`."""
    words, place, said = text.words, start, False
    source = words[place] == "from"
    if words[place] in ("to", "at", "with", "using", "on", "of", "onto", "→", "=", "from", "model"):
        place += 1
    while place < len(words) and (
        words[place] in _IMAGE_NOUNS or words[place] in ("the", "to", "new", "its", "v", ":", "'s")
    ):
        said = said or words[place] in _IMAGE_NOUNS
        place += 1
    if place >= len(words):
        return
    word, written = words[place], text.sentence.spelled[place]
    for flag in ("version=", "--version=", "--image=", "tag=", "--tag=", "image="):
        if word.startswith(flag):
            written, said = written[len(flag) :], True
    if quantities.version(written) or (said and _is_tag(text, word, written)):
        slot = "source" if source else "version"
        back_on = start > 0 and tuple(words[start - 1 : start + 1]) == ("back", "on")
        aimed = (("aimed", True),) if back_on or {"to", "onto", "→"} & set(words[start:place]) else ()
        yield Piece(place + 1, VERSIONED, ((slot, written), *aimed))


def _is_tag(text: Text, word: str, written: str) -> bool:
    """A word that follows "version" or "tag": with a figure in it, so that no word of the sentence passes for one."""
    named = text.names.services.get(word) or text.names.environments.get(word)
    return named is None and quantities.tag(written) and any(c.isdigit() for c in written) and word[0] not in "+-"


def revision(text: Text, start: int) -> Iterator[Piece]:
    """`to revision 12`, `--to-revision=12`, `to #12`; `to 12` alone may be a version as well."""
    words = text.words
    place = start + (words[start] in ("to", "at"))
    if place < len(words) and words[place] == "the":
        place += 1
    if place < len(words) and words[place] in ("revision", "rev", "--to-revision", "generation"):
        found = quantities.number(words, place + 1)
        if found and words[place] != "generation":
            yield Piece(found.end, frozenset({"rollback"}), (("revision", found.value),))
        return
    if place < len(words):
        for prefix in ("--to-revision=", "#", "rev", "r"):
            digits = words[place].removeprefix(prefix)
            if digits != words[place] and quantities.integer(digits) and digits != "0":
                yield Piece(place + 1, frozenset({"rollback"}), (("revision", int(digits)),))
    if place > start and place < len(words) and quantities.integer(words[place]):
        yield Piece(place + 1, frozenset({"rollback", "deploy"}), (("bare", words[place]),))


_PREVIOUS = tuple(
    tuple(phrase.split())
    for phrase in [
        "previous version",
        "previous revision",
        "previous release",
        "previous deploy",
        "previous deployment",
        "previous build",
        "previous image",
        "previous one",
        "one before",
        "version before",
        "revision before",
        "release before",
        "prior version",
        "prior release",
        "prior revision",
        "one before that",
        "version it had before",
        "version before this one",
        "version before that",
        "version before this",
        "last deploy",
        "last deployment",
        "last release",
        "last version",
        "old version",
        "old release",
        "old build",
        "old image",
        "one version",
        "one revision",
        "what it was before",
        "what it was",
        "where it was",
        "where it was before",
        "what we had",
        "what we had before",
    ]
)
_BEGIN_PREVIOUS = frozenset(phrase[0] for phrase in _PREVIOUS)


def previous(text: Text, start: int) -> Iterator[Piece]:
    """`to the previous version`, `to the one before`."""
    words = text.words
    place = start + (words[start] in ("to", "by"))
    if place < len(words) and words[place] in ("the", "its"):
        place += 1
    if place >= len(words) or words[place] not in _BEGIN_PREVIOUS:
        return
    for phrase in _PREVIOUS:
        if tuple(words[place : place + len(phrase)]) == phrase and _direction_fits(words[start], phrase):
            yield Piece(place + len(phrase), frozenset({"rollback"}), (("previous", True),))


def _direction_fits(before: str, phrase: tuple[str, ...]) -> bool:
    """`the last deploy` is undone, never gone back *to*; `one version` is gone back by, never to."""
    if phrase == ("last", "version"):
        return before == "to"
    if phrase[0] == "last":
        return before != "to" and before != "by"
    return before != "to" if phrase[:2] in (("one", "version"), ("one", "revision")) else before != "by"


def marks(text: Text, start: int) -> Iterator[Piece]:
    """Commas, full stops, question marks and dashes carry no argument; a dash before a figure may be a minus."""
    dash = text.words[start] in ("-", "–", "—") and not any(
        word[:1].isdigit() for word in text.words[start + 1 : start + 2]
    )
    if dash or text.words[start] in (",", ";", "?", "!"):
        yield Piece(start + 1, None, ())


def arrow(text: Text, start: int) -> Iterator[Piece]:
    """`checkout → 5 prod`, `cart -> 2.1.0 staging`: the arrow is the verb."""
    if text.words[start] == "→" and start + 1 < len(text.words):
        value = text.words[start + 1]
        if quantities.integer(value):
            yield Piece(start + 2, frozenset({"scale"}), (("order", "scale"), ("to", int(value))))
        if quantities.version(text.sentence.spelled[start + 1]):
            slots = (("order", "deploy"), ("version", text.sentence.spelled[start + 1]))
            yield Piece(start + 2, frozenset({"deploy"}), slots)


def past_of(text: Text, start: int) -> Iterator[Piece]:
    """What a look back may take from here."""
    yield from past.at(text.sentence, text.names, start)
    yield from reads.at(text.sentence, text.names, start)


def kubectl(text: Text, start: int) -> Iterator[Piece]:
    """`kubectl` itself, at the start."""
    if start == 0 and text.words[0] in _COMMANDS:
        yield Piece(1, None, ())


def reason(text: Text, start: int) -> Iterator[Piece]:
    """Why it is ordered, with the names in it; a version only where it says that this one is ready."""
    for found in text.reasons:
        if found.start == start and found.proves:
            yield Piece(found.end, frozenset({"deploy"}), ())
        elif found.start == start:
            words = text.words[start : found.end]
            named = (
                ("service", text.names.mentioned_services(words)),
                ("environment", text.names.mentioned_environments(words)),
            )
            slots = tuple((key, name) for key, names in named for name in {one.name for one in names})
            if found.version is None:
                yield Piece(found.end, _ORDERS, slots)
            elif quantities.version(text.sentence.spelled[found.version]):
                yield Piece(found.end, VERSIONED, (*slots, ("version", text.sentence.spelled[found.version])))


READERS: tuple[Reader, ...] = (
    marks,
    reason,
    kubectl,
    service,
    environment,
    promotion,
    all_pods,
    compound,
    version,
    revision,
    previous,
    arrow,
    lambda text, start: amounts.at(text.words, start),
    past_of,
)
