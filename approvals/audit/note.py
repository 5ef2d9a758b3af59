"""Signed notes and their keys, as C2SP has them (c2sp.org/signed-note v1.0.0), with Ed25519 (RFC 8032).

A note is a text that ends in a newline, an empty line, and signature lines `— name base64(key id, signature)`. The key
id is the start of SHA-256(name, newline, 0x01, public key). A verifier key is `name+id+base64(0x01, public key)`, and
a signer key `PRIVATE+KEY+name+id+base64(0x01, seed)`, as golang.org/x/mod/sumdb/note writes it.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from actions.errors import BadInput, TwokeyError

_ED25519 = b"\x01"
_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/=]+)")
_MOST = 64  # signatures that are looked at


class NotSigned(TwokeyError):
    """No key that is known here has signed this."""


@dataclass(frozen=True)
class VerifierKey:
    """The public half of a key. `str()` is how it is handed on."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{_base64(_ED25519 + self.public)}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """From its text form. Raises BadInput."""
        return cls(*_key(text, "This is no verifier key; it reads name+id+base64."))

    def accepts(self, text: str, signature: bytes) -> bool:
        """Whether this key made this signature over the text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True)
class SignerKey:
    """The secret half. Its text form is for a file that nobody else reads; `repr` shows none of it."""

    name: str
    seed: bytes = field(repr=False)

    @classmethod
    def new(cls, name: str) -> SignerKey:
        """A fresh key."""
        return cls(name, secrets.token_bytes(32))

    @classmethod
    def parse(cls, text: str) -> SignerKey:
        """From its text form. Raises BadInput, which repeats nothing of it."""
        text, wrong = text.strip(), "This is no signing key; it reads PRIVATE+KEY+name+id+base64."
        if not text.startswith("PRIVATE+KEY+"):
            raise BadInput(wrong)
        name, seed = _key(text.removeprefix("PRIVATE+KEY+"), wrong, check=False)
        found = cls(name, seed)
        if found.secret_text() != text:
            raise BadInput(wrong)
        return found

    def secret_text(self) -> str:
        """How it stands in its file."""
        return f"PRIVATE+KEY+{self.name}+{self.verifier.id.hex()}+{_base64(_ED25519 + self.seed)}"

    @property
    def verifier(self) -> VerifierKey:
        key = Ed25519PrivateKey.from_private_bytes(self.seed)
        return VerifierKey(self.name, key.public_key().public_bytes_raw())

    def signature(self, text: str) -> bytes:
        """64 bytes over the text."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(text.encode())

    def line(self, text: str) -> str:
        """The line by which this key signs a note of that text."""
        return f"— {self.name} {_base64(self.verifier.id + self.signature(text))}\n"


def signed(text: str, *keys: SignerKey) -> str:
    """The whole note, signed by each of the keys. The text has to end in a newline: ValueError."""
    if not text.endswith("\n"):
        raise ValueError("a note's text ends in a newline")
    return f"{text}\n{''.join(key.line(text) for key in keys)}"


def opened(note: str, keys: Iterable[VerifierKey]) -> tuple[str, VerifierKey]:
    """The text of a note, and which of these keys signed it. Signatures of other keys are passed over.

    Raises NotSigned where none of them did, or where one of their signatures is wrong; BadInput where it is no note.
    """
    text, signatures = taken_apart(note)
    known = {(key.name, key.id): key for key in keys}
    for name, raw in signatures:
        key = known.get((name, raw[:4]))
        if key is None:
            continue
        if not key.accepts(text, raw[4:]):
            raise NotSigned(f"The signature of {name} is wrong: the text was changed after it was signed.")
        return text, key
    raise NotSigned


def taken_apart(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The text of a note and its signatures, by whom and as bytes, unchecked. Raises BadInput."""
    text, gap, tail = note.rpartition("\n\n")
    lines = tail.splitlines()
    found = [_LINE.fullmatch(line) for line in lines]
    if not gap or not lines or len(lines) > _MOST or not note.endswith("\n") or not all(found):
        raise BadInput("This is no signed note.")
    return f"{text}\n", [(match[1], _bytes(match[2])) for match in found if match]


def _key(text: str, wrong: str, check: bool = True) -> tuple[str, bytes]:
    name, _, rest = text.strip().partition("+")
    digits, _, raw = rest.partition("+")
    try:
        key = base64.b64decode(raw, validate=True)
    except ValueError:
        raise BadInput(wrong) from None
    if not name or re.search(r"\s", name) or key[:1] != _ED25519 or len(key) != 33:
        raise BadInput(wrong)
    if check and VerifierKey(name, key[1:]).id.hex() != digits:
        raise BadInput(wrong)
    return name, key[1:]


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise BadInput("This is no signed note.") from None


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
