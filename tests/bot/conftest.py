"""The fixtures of this room's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bot.scene import Scene, scene


@pytest.fixture
async def slack(tmp_path: Path) -> AsyncIterator[Scene]:
    """Slack with its people; the program is not running yet."""
    async with scene(tmp_path) as found:
        yield found
