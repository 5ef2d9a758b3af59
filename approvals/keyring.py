"""Where the key is that signs checkpoints: a setting, or a file beside the store that is made at first use."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from actions.errors import ConfigError, TwokeyError
from approvals.audit.note import SignerKey


class NoKey(TwokeyError):
    """There is no key to sign checkpoints with. Run `twokey audit key --new FILE`; TWOKEY_AUDIT_KEY_FILE names it."""


class Keyring:
    """`given` is the key's text form where a setting names it; otherwise it is in `file`, made at first use (0600)."""

    def __init__(self, given: str | None = None, file: Path | None = None) -> None:
        self._given, self.file = given, None if given else file

    def key(self) -> SignerKey:
        """The key as it is now. Raises NoKey, ConfigError where what is there is no key or cannot be read."""
        if self._given:
            return _parsed(self._given, "TWOKEY_AUDIT_KEY")
        if self.file is None:
            raise NoKey
        if not self.file.exists():
            try:
                write(self.file, fresh())
            except ConfigError:
                if not self.file.exists():  # another process was first
                    raise
        return _read(self.file)

    def adopt(self) -> None:
        """The prepared key takes the place of the one in the file."""
        if self.file is None:
            raise NoKey
        self._next(self.file).replace(self.file)

    def prepare(self, key: SignerKey) -> None:
        """Write the key that comes next beside the file, before the log says that it comes. Raises NoKey."""
        if self.file is None:
            raise NoKey("The key comes from a setting: name a file for the new one with --to.")
        self._next(self.file).unlink(missing_ok=True)
        write(self._next(self.file), key)

    def finish(self, verifier: str) -> bool:
        """Adopt the key that was prepared, if it is this one: a rotation broke off before its end."""
        if self.file is None or not self._next(self.file).exists():
            return False
        if str(_read(self._next(self.file)).verifier) != verifier:
            return False
        self.adopt()
        return True

    @staticmethod
    def _next(file: Path) -> Path:
        return file.with_name(f"{file.name}.next")


def fresh(name: str | None = None) -> SignerKey:
    """A new key; of a new log, if it is not given that log's name."""
    return SignerKey.new(name or f"twokey/{secrets.token_hex(4)}")


def write(file: Path, key: SignerKey) -> None:
    """A new file that only its owner may read. Raises ConfigError where there is one, or where it cannot be written."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(f"{key.secret_text()}\n")
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        raise ConfigError(f"The key cannot be written to {file}: {error.strerror}.") from None


def _read(file: Path) -> SignerKey:
    try:
        return _parsed(file.read_text(encoding="utf-8"), str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The key {file} cannot be read: {error}.") from None


def _parsed(text: str, where: str) -> SignerKey:
    try:
        return SignerKey.parse(text)
    except TwokeyError as error:
        raise ConfigError(f"{where}: {error.say}") from None
