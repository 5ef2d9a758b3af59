"""Uploads and downloads of files."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web
from aiohttp.web_request import FileField

from bot.playground.emulator.core import Core

INLINE = {"image/png", "image/jpeg", "image/gif", "image/webp"}  # everything else is downloaded, never shown


class Storage:
    """The addresses that `files.getUploadURLExternal` and `url_private` name."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def routes(self) -> list[web.RouteDef]:
        """What the application serves."""
        return [
            web.post("/upload/v1/{file}", self._upload),
            web.get("/files/{file}", self._download),
            web.get("/files/{file}/{name}", self._download),
        ]

    async def _upload(self, request: web.Request) -> web.Response:
        """The bytes as the whole body, or as the one file of a form."""
        file = self._core.workspace.files.get(request.match_info["file"])
        if file is None or file.content is not None:
            return web.Response(status=404, text="no such upload")
        if request.content_type == "multipart/form-data":
            parts = [part for part in (await request.post()).values() if isinstance(part, FileField)]
            content = parts[0].file.read() if parts else b""
        else:
            content = await request.read()
        if len(content) != file.length:
            return web.Response(status=400, text=f"{file.length} bytes were announced, {len(content)} came")
        file.content = content
        return web.Response(text=f"OK - {len(content)}")

    async def _download(self, request: web.Request) -> web.Response:
        file = self._core.workspace.files.get(request.match_info["file"])
        if file is None or file.content is None:
            return web.Response(status=404, text="no such file")
        way = "inline" if file.mimetype in INLINE else "attachment"
        headers = {"Content-Disposition": f"{way}; filename*=UTF-8''{quote(file.name)}"}
        return web.Response(body=file.content, content_type=file.mimetype, headers=headers)
