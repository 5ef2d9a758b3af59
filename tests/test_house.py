"""The house stands as DESIGN section 1 draws it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from approvals.store import open_store, roles
from tests.stores import every_table

ROOT = Path(__file__).parents[1]


def test_a_room_knows_what_lies_below_it_never_above_or_beside() -> None:
    """import-linter holds the layers; P3 begins here: the rooms that read words cannot reach the powers' clients."""
    lint = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert lint.returncode == 0, lint.stdout + lint.stderr


def test_lock_files_pin_every_package_by_hash_and_name_no_index() -> None:
    for file in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / file).read_text()
        pins = re.findall(r"^[A-Za-z0-9._-]+==.*$", text, re.MULTILINE)
        assert len(pins) > 40
        assert all(pin.endswith("\\") for pin in pins), "a package without hashes"
        assert "://" not in text
        assert not re.search(r"^--", text, re.MULTILINE)


def test_no_file_outgrows_its_room() -> None:
    rooms = ("actions", "approvals", "bot", "intents", "tests")
    sizes = {file: len(file.read_text().splitlines()) for room in rooms for file in (ROOT / room).rglob("*.py")}
    assert [str(file) for file, size in sizes.items() if size > 400] == []


def test_every_test_that_the_security_page_names_exists() -> None:
    named = re.findall(r"`(\w+/test_\w+\.py)::(test_\w+)`", (ROOT / "SECURITY.md").read_text())
    assert len(named) > 20
    assert [(f, t) for f, t in named if f"def {t}(" not in (ROOT / "tests" / f).read_text()] == []


def test_every_table_and_column_has_its_migration(tmp_path: Path) -> None:
    """CONTRIBUTING, "Changing a table", says how one is added."""
    engine = open_store(f"sqlite:///{tmp_path / 'twokey.db'}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), every_table()) == []
    engine.dispose()


def test_every_table_says_what_each_role_may_do() -> None:
    """P3: `approvals/store/roles.py` is what `twokey migrate --roles` prints; what stands nowhere is refused."""
    assert set(roles.GRANTS) == {*every_table().tables, "alembic_version"}
