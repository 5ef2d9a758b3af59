"""Files that people write: YAML into a pydantic model, with file, line and key in every complaint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError

from actions.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load(path: Path, model: type[Model], setting: str = "") -> Model:
    """Read one file. Raises ConfigError with the line and the key that are wrong, and what was expected.

    `setting` is what names the file, for whoever has put it elsewhere.
    """
    return parse(read(path, setting), model, str(path))


def read(path: Path, setting: str = "") -> str:
    """The text of one file. Raises ConfigError."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        hint = f" {setting} names the file." if setting else ""
        raise ConfigError(f"{path}: cannot be read: {error.strerror}.{hint}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not UTF-8 text.") from None


def parse(text: str, model: type[Model], name: str) -> Model:
    """The same for a text; `name` stands for the file in complaints."""
    try:
        node = yaml.compose(text, Loader=_Loader)
        _refuse_duplicates(node, name)
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 - the loader is the safe one
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{name}:{line}: is no valid YAML: {error.problem or error.context}.") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{name}: is no valid YAML: {str(error).splitlines()[0]}.") from None
    if not isinstance(data, Mapping):
        raise ConfigError(f"{name}:1: must be a mapping of keys to values.")
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ConfigError(_complaints(error, node, name)) from None


def misplaced(loc: tuple[str, ...], message: str) -> PydanticCustomError:
    """What a validator of a whole file raises, so that the complaint names this place in it."""
    return PydanticCustomError("misplaced", "{message}", {"loc": loc, "message": message})


def line_of(path: Path, loc: tuple[int | str, ...]) -> int:
    """The line of the deepest part of `loc` that stands in a file which `load` has read; 1 where there is none."""
    return _locate(yaml.compose(path.read_text(encoding="utf-8"), Loader=_Loader), loc)[0]


def schema(model: type[BaseModel]) -> str:
    """The JSON Schema of such a file, as it is published with the package for people's editors."""
    made = {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema(by_alias=True)}
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def _complaints(error: ValidationError, node: yaml.Node | None, name: str) -> str:
    lines = []
    for problem in error.errors(include_url=False)[:5]:
        line, known = _locate(node, (problem.get("ctx") or {}).get("loc", problem["loc"]))
        message = problem["msg"].removeprefix("Value error, ").rstrip(".")
        if problem["type"] == "extra_forbidden":
            message = "there is no such key; check its spelling"
        elif problem["type"] == "too_short":
            least = (problem.get("ctx") or {}).get("min_length", 1)
            message = f"needs at least {least} of them, and has {(problem.get('ctx') or {}).get('actual_length', 0)}"
        lines.append(f"{name}:{line}: {known or 'the file'}: {message}.")
    return "\n".join(lines)


def _locate(node: yaml.Node | None, loc: tuple[int | str, ...]) -> tuple[int, str]:
    """The line of the deepest part of `loc` that stands in the file, and the dotted key."""
    line = node.start_mark.line + 1 if node else 1
    for part in loc:
        found = None
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if found:
                line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line, ".".join(str(part) for part in loc)


def _refuse_duplicates(node: yaml.Node | None, name: str) -> None:
    """YAML keeps the last of two equal keys without a word; in a policy that hides a rule."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key.value, str):
                if key.value in seen:
                    raise ConfigError(f"{name}:{key.start_mark.line + 1}: {key.value}: the key is there twice.")
                seen.add(key.value)
            _refuse_duplicates(value, name)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_duplicates(value, name)
