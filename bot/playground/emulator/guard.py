"""Keeps other web pages out: only loopback names, only this origin, strict content rules."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
CONTENT_RULES = "default-src 'self'; img-src 'self' data:; style-src 'self'"


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A rebound name (a Host that is not loopback) and another page's script are refused with 403."""
    if urlsplit(f"//{request.host}").hostname not in LOOPBACK:
        return web.Response(status=403, text="This answers only on loopback.")
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        return web.Response(status=403, text="Another page's requests are not answered.")
    return await handler(request)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """On every answer, before it is sent."""
    response.headers.setdefault("Content-Security-Policy", CONTENT_RULES)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
