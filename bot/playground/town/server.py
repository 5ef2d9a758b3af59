"""The whole town on the wire: the Kubernetes API, the telemetry of what happens in it, and the model service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from aiohttp import web

from bot.playground.town import model, telemetry
from bot.playground.town.api import KubernetesApi
from bot.playground.town.gatekeeper import TOKEN, Access, Faults, Gatekeeper, Seen
from bot.playground.town.world import World


class Town:
    """A world with its servers. `tokens` maps bearer tokens to users."""

    def __init__(self, world: World, tokens: Mapping[str, str] | None = None) -> None:
        self.world = world
        world.log_source = telemetry.pod_lines(world)
        world.error_source = partial(telemetry.error_ratio, world)
        self._gatekeeper = Gatekeeper(tokens if tokens is not None else {TOKEN: "twokey"})

    @property
    def requests(self) -> list[Seen]:
        """Every request that the Kubernetes API was asked, oldest first."""
        return self._gatekeeper.requests

    @property
    def faults(self) -> Faults:
        """What shall go wrong with the Kubernetes API next."""
        return self._gatekeeper.faults

    def authorize(self, authorizer: Callable[[Access], bool]) -> None:
        """Who may do what from now on; without it everybody may do everything."""
        self._gatekeeper.authorizer = authorizer

    def app(self) -> web.Application:
        """A new application that serves this town."""
        api = KubernetesApi(self.world, self._gatekeeper)
        app = web.Application()
        app.add_routes([*api.routes(), *telemetry.routes(self.world), *model.routes()])
        app.on_shutdown.append(api.close)
        return app
