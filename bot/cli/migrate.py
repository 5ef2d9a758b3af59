"""twokey migrate: bring the store's tables up to this version."""

from __future__ import annotations


def migrate() -> None:
    """Create what the store lacks. Safe to run again."""
    from approvals.store import open_store
    from bot import settings
    from bot.tables import make_tables

    engine = open_store(settings.load().database_url)
    make_tables(engine)
    print(f"The store at {engine.url.render_as_string(hide_password=True)} is up to date.")
