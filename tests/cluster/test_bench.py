"""The benchmark's part on a real control plane runs, in small."""

from __future__ import annotations

from tests.bench import operating
from tests.cluster.control_plane import ControlPlane


def test_a_change_is_measured_and_its_traffic_counted(plane: ControlPlane) -> None:
    found = operating.measured(plane, rounds=2, rollouts=3)
    assert all(found["deploy"][part]["n"] == 2 and found["deploy"][part]["p50_ms"] > 0 for part in ("plan", "execute"))
    assert set(found["a_request"]) == {"deploy", "scale", "restart", "rollback"}
    assert all(each[part]["calls"] > 1 for each in found["a_request"].values() for part in ("plan", "execute"))
    assert found["rollouts_at_once"]["bytes"] > found["rollouts_at_once"]["calls"] > 3 * 2
