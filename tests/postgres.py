"""A PostgreSQL server that the tests start themselves: Debian's package, reached through a socket in a folder."""

from __future__ import annotations

import atexit
import functools
import getpass
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

_PATIENCE = 60.0  # seconds until it must answer
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")  # tests outlive no power failure


def binaries() -> Path | None:
    """Where `postgres` and `initdb` are, the newest first; None where there is none."""
    on_path = shutil.which("postgres")
    if on_path:
        return Path(on_path).parent
    installed = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    return max((found.parent for found in installed), key=lambda found: int(found.parent.name), default=None)


class Server:
    """One server with a data folder of its own. It ends with this process, however that ends."""

    def __init__(self, *settings: str, under: Path | None = None) -> None:
        where = binaries()
        if where is None:
            raise RuntimeError("PostgreSQL's server is not installed: apt-get install postgresql")
        self._as: dict[str, str] = {"user": _owner()} if os.geteuid() == 0 else {}  # the server refuses to run as root
        self.folder = Path(tempfile.mkdtemp(prefix="twokey-pg-", dir=under))
        if self._as:
            shutil.chown(self.folder, self._as["user"])
        data = self.folder / "data"
        subprocess.run(
            [
                where / "initdb",
                "-D",
                data,
                "-U",
                "owner",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-sync",
                "--no-instructions",
            ],
            check=True,
            capture_output=True,
            cwd=self.folder,
            **self._as,  # type: ignore[call-overload]  # `user` is a keyword of Popen
        )
        options = ("listen_addresses=", f"unix_socket_directories={self.folder}", "max_connections=200", *settings)
        command = [where / "postgres", "-D", data, *(word for option in options for word in ("-c", option))]
        self._command = ["setpriv", "--pdeathsig", "QUIT", *command]
        self._log = (self.folder / "log").open("wb")
        self._made = 0
        self.start()

    def start(self) -> None:
        """Run it; again, where it gave up."""
        self.process = subprocess.Popen(  # type: ignore[call-overload]  # the same
            self._command, stderr=self._log, cwd=self.folder, **self._as
        )
        self._await()

    def url(self, database: str, user: str = "owner") -> str:
        """The address of one of its databases."""
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def create(self, template: str = "template0") -> str:
        """A fresh database, a copy of another; its name."""
        self._made += 1
        name = f"t{self._made}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(self, database: str) -> None:
        """Whoever is still connected is thrown out."""
        self.run(f"DROP DATABASE {database} WITH (FORCE)")

    def run(self, statement: str, database: str = "postgres") -> None:
        """One statement of the owner's."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement.encode())

    def stop(self) -> None:
        """At once; nothing of it stays."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _await(self) -> None:
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                psycopg.connect(self.url("postgres")).close()
                return
            except psycopg.OperationalError:
                if self.process.poll() is not None or time.monotonic() > until:
                    said = (self.folder / "log").read_text()
                    self.stop()
                    raise RuntimeError(f"PostgreSQL does not start: {said}") from None
                time.sleep(0.02)  # it has no other way to say that it is there


@functools.cache
def server() -> Server:
    """This process's server for tests, started when it is first wanted."""
    made = Server(*_FAST)
    atexit.register(made.stop)
    return made


def _owner() -> str:
    users = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody", getpass.getuser()) if name in users)
