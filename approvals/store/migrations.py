"""The store's tables through the versions: one file each in `approvals/migrations/versions`, forward only.

They cover every room's tables, since there is one store. Alembic is imported only where something is to be changed.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, Connection, inspect, text

from actions.errors import ConfigError
from approvals.store.dialect import Dialect

if TYPE_CHECKING:
    from alembic.config import Config

_SCRIPTS = Path(__file__).parents[1] / "migrations"

HEAD = max(path.name for path in (_SCRIPTS / "versions").glob("v*.py"))[1:5]
"""The revision that this program's tables have: `v0001_….py` is 0001."""


def revision(connection: Connection) -> str | None:
    """The revision of a store's tables; None where there are none, or only those of before migrations."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return str(found) if found is not None else None


def require_known(found: str | None) -> None:
    """Raises ConfigError where the tables are of a later version than this program."""
    if found is not None and found > HEAD:
        raise ConfigError(f"The store was written by a later version of Twokey (tables {found}); update this one.")


def require(found: str | None) -> None:
    """Raises ConfigError where the tables are not this program's."""
    require_known(found)
    if found != HEAD:
        have = f"are of an earlier version ({found}, not {HEAD})" if found else "are not there yet"
        raise ConfigError(f"The store's tables {have}. Run `twokey migrate` as their owner, then start again.")


def upgrade(connection: Connection, dialect: Dialect) -> None:
    """Bring the tables up to date inside this transaction."""
    from alembic import command

    config = _config(dialect)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def as_sql(url: URL, dialect: Dialect) -> str:
    """Every migration as SQL for a fresh database."""
    from alembic import command

    config, written = _config(dialect), io.StringIO()
    config.output_buffer = written
    config.attributes["url"] = url
    command.upgrade(config, "head", sql=True)
    return written.getvalue()


def _config(dialect: Dialect) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["guards"] = tuple(dialect.guards())
    return config
