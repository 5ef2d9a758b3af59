"""twokey interpret: how sentences are read, as JSON lines. Asks nobody, changes nothing."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from bot.settings import Settings
    from intents.gateway import ModelGateway
    from intents.reader import Mode, Reader

_ENGINES = ("grammar", "model", "auto")
_NO_MODEL = "I am reading without a model: none is configured. Set OPENAI_BASE_URL or OPENAI_API_KEY, and TWOKEY_MODEL."


def interpret(
    text: Annotated[list[str] | None, typer.Argument(help="A sentence, as one would write it in a channel.")] = None,
    catalog: Annotated[Path | None, typer.Option(help="The catalogue; TWOKEY_CATALOG if not given.")] = None,
    engine: Annotated[
        str, typer.Option(help="grammar, model, or auto: the model where the grammar abstains.")
    ] = "auto",
    context: Annotated[str | None, typer.Option(help="What the thread holds, as JSON.")] = None,
    channel: Annotated[str | None, typer.Option(help="The channel's name; it only ever helps reads.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say which words each argument stands in.")] = False,
    batch: Annotated[
        Path | None, typer.Option(help="A file with one JSON object a line; - for standard input.")
    ] = None,
) -> None:
    """Read sentences into typed actions, questions or refusals, and print one JSON object a line."""
    from actions.errors import BadInput

    if engine not in _ENGINES:
        raise BadInput(f'There is no engine "{engine}". It is one of: {", ".join(_ENGINES)}.')
    if bool(text) == bool(batch):
        raise BadInput("Give a sentence, or --batch FILE, and not both.")
    if batch is None:
        parsed = _json(context, "--context") if context else {}
        whole = asyncio.run(
            _single(catalog, engine, {"text": " ".join(text or ()), "context": parsed, "channel": channel}, explain)
        )
    else:
        with _opened(batch) as lines:
            whole = asyncio.run(_batch(catalog, engine, lines, explain))
    raise typer.Exit(0 if whole else 1)


def _json(text: str, name: str) -> Any:
    from actions.errors import BadInput

    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadInput(f"{name} is no JSON.") from None


def _opened(batch: Path) -> Any:
    from actions.errors import ConfigError

    if str(batch) == "-":
        return nullcontext(sys.stdin)
    try:
        return batch.open(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ConfigError(f"{batch}: cannot be read: {error.strerror}.") from None


async def _single(catalog: Path | None, engine: Any, line: dict[str, Any], explain: bool) -> bool:
    from actions.errors import BadInput

    reader, gateway = _reader(catalog, engine)
    answer = await _answer(reader, engine, line, explain)
    if "error" in answer:
        raise BadInput(answer["error"])
    _print(answer)
    if gateway is not None:
        await gateway.close()
    return True


async def _batch(catalog: Path | None, engine: Any, lines: IO[str], explain: bool) -> bool:
    """Every line in order; whether all of them were sound."""
    reader, gateway = _reader(catalog, engine)
    whole = True
    for line in _objects(lines):
        answer = {"error": line["error"]} if "error" in line else await _answer(reader, engine, line, explain)
        if "id" in line:
            answer = {"id": line["id"], **answer}
        whole = whole and "error" not in answer
        _print(answer)
    if gateway is not None:
        await gateway.close()
    return whole


def _objects(lines: IO[str]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            yield {"error": f"line {number} is no JSON object"}
        elif not isinstance(found.get("text"), str):
            yield {**{k: found[k] for k in ("id",) if k in found}, "error": f'line {number} has no "text"'}
        else:
            found.pop("error", None)
            yield found


async def _answer(reader: Reader, engine: Mode, line: dict[str, Any], explain: bool) -> dict[str, Any]:
    from pydantic import ValidationError

    from intents.reading import Context

    try:
        context = Context.model_validate(line.get("context") or {})
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        return {"error": f"the context is wrong at {where or 'its root'}"}
    channel = line.get("channel")
    reading = await reader.read_with(engine, line["text"], context, channel if isinstance(channel, str) else None)
    found: dict[str, Any] = reading.as_json()
    if explain:
        found["why"] = list(reader.explain(line["text"], context, reading))
    note = _NO_MODEL if engine == "model" and not reader.has_model else reader.note
    return {**found, "note": note} if note else found


def _print(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


def _reader(catalog: Path | None, engine: str) -> tuple[Reader, ModelGateway | None]:
    from actions import catalog as catalogs
    from actions.registry import Registry
    from actions.verbs import VERBS
    from bot import settings
    from intents.reader import Reader

    found = settings.load()
    gateway = None if engine == "grammar" else _gateway(found)
    return Reader(catalogs.load(catalog or found.catalog), Registry(VERBS), gateway), gateway


def _gateway(found: Settings) -> ModelGateway | None:
    """The configured model; None where there is none, and the grammar reads alone (R5)."""
    from bot.models import reading_models
    from intents.gateway import ModelGateway

    models = reading_models(found)
    return ModelGateway(models) if models is not None else None
