"""What every test of the house shares."""

from __future__ import annotations

import gc
import os

import pytest
from hypothesis import settings

from tests.stores import ON_POSTGRES

# A machine may be as busy as it likes: an example that takes long is no failure.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

NO_DISK = "no small disk"  # a container's root may not mount one, and nothing that is installed changes that


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """In CI (TWOKEY_TEST_SKIPS=fail) a skipped test is a failed one: that machine has all that can be installed."""
    if report.skipped and os.environ.get("TWOKEY_TEST_SKIPS") == "fail" and NO_DISK not in str(report.longrepr):
        report.outcome = "failed"


def pytest_collection_finish() -> None:
    """Keep the garbage collector away from what was imported and collected: it lives as long as the process."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With TWOKEY_TEST_STORE=postgres the tests that are about SQLite itself are left out, not skipped."""
    if ON_POSTGRES:
        left_out = [item for item in items if item.get_closest_marker("sqlite")]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)
