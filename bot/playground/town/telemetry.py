"""The town's telemetry over HTTP: what Prometheus and Loki would say about its cluster."""

from __future__ import annotations

from aiohttp import web

from bot.playground.town.loki import Loki
from bot.playground.town.prometheus import Prometheus
from bot.playground.town.telemetry_load import error_ratio
from bot.playground.town.telemetry_logs import pod_lines
from bot.playground.town.telemetry_series import Telemetry
from bot.playground.town.timeline import Timeline

__all__ = ["error_ratio", "pod_lines", "routes"]


def routes(world: Timeline) -> list[web.RouteDef]:
    """Prometheus' HTTP API below `/prometheus`, and Loki's at its own `/loki/api/v1` (and `/ready`)."""
    telemetry = Telemetry(world)
    return [*Prometheus(telemetry).routes("/prometheus"), *Loki(world, telemetry).routes("")]
