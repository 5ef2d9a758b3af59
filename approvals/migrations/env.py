"""What Alembic runs: the migrations, and after them the guards that keep decisions and audit entries append-only.

All of it in the transaction of the connection that it is given; or written down as SQL, where it is given none.
"""

from __future__ import annotations

from alembic import context

given = context.config.attributes
if context.is_offline_mode():
    context.configure(url=given["url"], literal_binds=True, transactional_ddl=True)
else:
    context.configure(connection=given["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
    for guard in given["guards"]:
        context.execute(guard)
