"""twokey migrate: bring the store's tables up to this version."""

from __future__ import annotations

from typing import Annotated

import typer


def migrate(
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit 1 if there is something to do.")] = False,
    roles: Annotated[
        bool, typer.Option("--roles", help="Change nothing; print the SQL of PostgreSQL's roles and their grants.")
    ] = False,
    sql: Annotated[bool, typer.Option("--sql", help="Change nothing; print the SQL that makes a fresh store.")] = False,
) -> None:
    """Create and change the store's tables as this version needs them. Safe to run again.

    An SQLite file is brought up to date whenever it is opened. On PostgreSQL this is the one command that changes
    tables: run it as their owner before a new version starts, and `twokey migrate --roles | psql` after it where the
    gateway and the runner log in as different users.
    """
    from approvals import store
    from bot import settings

    if roles:
        print(store.roles_sql(), end="")
        return
    url = settings.load().database_url
    if sql:
        print(store.migration_sql(url), end="")
        return
    engine = store.open_store(url, make=False) if check else store.migrate(url)
    print(f"The store at {engine.url.render_as_string(hide_password=True)} is up to date.")
    engine.dispose()
