"""Which keys speak for a log: the one that an auditor was given, and those that it handed its office on to.

A change of key is an entry `audit.key.rotated` whose `note` is signed by the old key over both keys, so that whoever
trusts the old one can trust the new one without asking anybody. An entry without such a note ends the line: from there
on an auditor has to be given the new key by other means.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import JsonValue

from actions.errors import TwokeyError
from approvals.audit import note
from approvals.audit.chain import Entry
from approvals.audit.note import SignerKey, VerifierKey

KIND = "audit.key.rotated"
_TITLE = "twokey audit key rotation v1"
_SIGN = b'"kind":"audit.key.rotated"'  # as every canonical body of that kind holds it


def handed_on(old: SignerKey, new: VerifierKey) -> dict[str, JsonValue]:
    """What the entry says."""
    return {"before": str(old.verifier), "after": str(new), "note": note.signed(_text(old.verifier, new), old)}


def lost(old: str, new: VerifierKey) -> dict[str, JsonValue]:
    """What the entry says where the old key is gone, so that nobody can sign the change."""
    return {"before": old, "after": str(new), "note": None}


def followed(trusted: Iterable[VerifierKey], entries: Iterable[Entry]) -> list[VerifierKey]:
    """The trusted keys, and those that they handed on to. Entries that hold no valid note are passed over."""
    keys = list(trusted)
    for entry in entries:
        if _SIGN in entry.body:
            new = _accepted(entry, keys)
            if new is not None and new not in keys:
                keys.append(new)
    return keys


def _accepted(entry: Entry, keys: list[VerifierKey]) -> VerifierKey | None:
    fields = entry.fields
    data = fields["data"]
    try:
        if fields["kind"] != KIND or not isinstance(data["note"], str):
            return None
        text, signer = note.opened(data["note"], keys)
        new = VerifierKey.parse(data["after"])
    except (TwokeyError, KeyError, TypeError, AttributeError):
        return None
    return new if text == _text(signer, new) else None


def _text(old: VerifierKey, new: VerifierKey) -> str:
    return f"{_TITLE}\n{old}\n{new}\n"
