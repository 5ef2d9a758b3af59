"""twokey migrate: bring the store's tables up to this version."""

from __future__ import annotations

from typing import Annotated

import typer


def migrate(
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit 1 if there is something to do.")] = False,
    sql: Annotated[bool, typer.Option("--sql", help="Change nothing; print the SQL that makes a fresh store.")] = False,
) -> None:
    """Create and change the store's tables as this version needs them. Safe to run again.

    An SQLite file is brought up to date whenever it is opened. On PostgreSQL this is the one command that changes
    tables: run it as their owner before a new version starts.
    """
    from approvals import store
    from bot import settings

    url = settings.load().database_url
    if sql:
        print(store.migration_sql(url), end="")
        return
    engine = store.open_store(url, make=False) if check else store.migrate(url)
    print(f"The store at {engine.url.render_as_string(hide_password=True)} is up to date.")
    engine.dispose()
