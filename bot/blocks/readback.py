"""Reads a card back into what decides, so that a test can hold the card against the plan (A2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.blocks.text import unspelled


@dataclass(frozen=True)
class Seen:
    """What a person who looks at the card is told. `digest` is whole while the card can be decided."""

    title: str
    differences: tuple[tuple[str, str, str], ...]
    cluster: str | None
    namespace: str
    workload: str  # "Deployment checkout"
    cautions: tuple[str, ...]
    digest: str
    guard: str = ""


def read_card(blocks: Sequence[Mapping[str, Any]]) -> Seen:
    """What a card says. Raises KeyError or ValueError where the blocks are no card."""
    by_id = {str(b["block_id"]): b for b in blocks if "block_id" in b}
    target = _texts(by_id["target"])[0]
    slashes = [i for i, text in enumerate(target) if text == " / "]
    cautions = _texts(by_id["cautions"]) if "cautions" in by_id else []
    return Seen(
        title=unspelled(by_id["title"]["text"]["text"]),
        differences=tuple(_difference(row) for row in _texts(by_id["differences"]) if len(row) == 5),
        cluster=unspelled(target[2]) if len(slashes) == 2 else None,
        namespace=unspelled(target[slashes[-1] - 1]),
        workload=unspelled(target[slashes[-1] + 1]),
        cautions=tuple(unspelled(row[1]) for row in cautions if len(row) == 2),
        digest=_digest(by_id),
        guard=unspelled(_texts(by_id["guard"])[0][1]) if "guard" in by_id else "",
    )


def _difference(row: list[str]) -> tuple[str, str, str]:
    return unspelled(row[0]), unspelled(row[2]), unspelled(row[4])


def _texts(block: Mapping[str, Any]) -> list[list[str]]:
    return [[str(element["text"]) for element in row["elements"]] for row in block["elements"]]


def _digest(by_id: Mapping[str, Mapping[str, Any]]) -> str:
    found = {
        str(element["value"]).partition(":")[2]
        for element in by_id.get("request", {}).get("elements", ())
        if element["action_id"] in {"approve", "deny"}
    }
    if len(found) == 1:
        return found.pop()
    if found:
        raise ValueError("the buttons of one card carry different digests")
    line = str(by_id["asked"]["elements"][0]["text"])
    return line.rpartition("`")[0].rpartition("`")[2].replace(" ", "")
