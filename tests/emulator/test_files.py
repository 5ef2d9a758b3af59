"""Uploads in three steps, and what the page may load."""

from __future__ import annotations

import pytest
from aiohttp import ClientSession, FormData
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.emulator.doubles import People, Running

PNG = b"\x89PNG\r\n\x1a\n picture"


async def test_an_uploaded_picture_is_shared_with_its_words(
    running: Running, web: AsyncWebClient, people: People
) -> None:
    parent = await people.say("a chart, please")
    await web.files_upload_v2(
        channel="C0OPS",
        content=PNG,
        filename="p99.png",
        title="p99",
        alt_txt="p99 rises from 300 to 480 ms",
        initial_comment="Here it is",
        thread_ts=parent["ts"],
    )
    shown = (await people.messages())[-1]
    assert (shown["text"], shown["thread_ts"]) == ("Here it is", parent["ts"])
    file = shown["files"][0]
    assert (file["mimetype"], file["size"], file["title"]) == ("image/png", len(PNG), "p99")
    assert file["alt_text"] == "p99 rises from 300 to 480 ms"
    async with ClientSession() as session, session.get(running.url + file["url"]) as response:
        assert await response.read() == PNG
        assert response.content_type == "image/png"
        assert response.headers["Content-Disposition"].startswith("inline")
    assert (await web.files_info(file=file["id"]))["file"]["name"] == "p99.png"


@pytest.mark.parametrize("name", ["page.html", "picture.svg", "lines.csv"])
async def test_what_could_run_scripts_is_only_downloaded(
    running: Running, web: AsyncWebClient, people: People, name: str
) -> None:
    await web.files_upload_v2(channel="C0OPS", content="<script>alert(1)</script>", filename=name)
    file = (await people.messages())[-1]["files"][0]
    async with ClientSession() as session, session.get(running.url + file["url"]) as response:
        assert response.headers["Content-Disposition"].startswith("attachment")
        assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_form_may_carry_the_bytes(running: Running, web: AsyncWebClient) -> None:
    step = await web.files_getUploadURLExternal(filename="a.txt", length=3)
    form = FormData()
    form.add_field("filename", b"abc", filename="a.txt")
    async with ClientSession() as session, session.post(str(step["upload_url"]), data=form) as response:
        assert response.status == 200
    done = await web.files_completeUploadExternal(files=[{"id": step["file_id"], "title": "A"}])
    assert done["files"][0]["title"] == "A"


async def test_an_upload_that_is_not_as_announced_fails(web: AsyncWebClient) -> None:
    step = await web.files_getUploadURLExternal(filename="a.txt", length=3)
    async with ClientSession() as session, session.post(str(step["upload_url"]), data=b"abcd") as response:
        assert response.status == 400
    with pytest.raises(SlackApiError) as refusal:
        await web.files_completeUploadExternal(files=[{"id": step["file_id"]}])
    assert refusal.value.response["error"] == "file_not_found"
