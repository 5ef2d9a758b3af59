"""Questions to Slack go over one kept connection, and survive that connection."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import pytest
from slack_sdk.errors import SlackApiError

from bot.kept_client import KeptClient
from tests.waiting import PATIENCE

OK = b'HTTP/1.1 200 OK\r\nContent-Length: 23\r\n\r\n{"ok":true,"user":"U1"}'
PAGE = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\n<html>"


def _question(sent: BinaryIO) -> bytes:
    """One request, its body included."""
    head = b"".join(iter(sent.readline, b"\r\n"))
    length = next(line for line in head.splitlines() if line.lower().startswith(b"content-length:"))
    return head + sent.read(int(length.partition(b":")[2]))


@contextmanager
def server(*connections: list[bytes]) -> Iterator[tuple[str, list[bytes]]]:
    """Gives these answers, a list a connection, and closes each after its last; what was asked is kept."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for answers in connections:
                connection, _ = listener.accept()
                with connection, connection.makefile("rb") as sent:
                    for answer in answers:
                        asked.append(_question(sent))
                        connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/api/", asked
        thread.join(PATIENCE)


def test_questions_share_a_connection_and_carry_the_token() -> None:
    """Were a second connection opened, nobody would answer on it."""
    with server([OK, OK]) as (base, asked):
        client = KeptClient(token="xoxb-1", base_url=base, timeout=60)
        for _ in range(2):
            assert client.api_call("users.info", params={"user": "U1"})["user"] == "U1"
    assert all(b"Bearer xoxb-1" in one and one.endswith(b"user=U1") for one in asked)


def test_a_truth_value_is_a_figure_and_what_is_unknown_is_left_out() -> None:
    with server([OK]) as (base, asked):
        client = KeptClient(token="xoxb-1", base_url=base, timeout=60)
        client.usergroups_list(include_disabled=False, include_users=True)
    assert asked[0].endswith(b"\r\ninclude_disabled=0&include_users=1")


def test_a_question_that_its_connection_lost_is_asked_once_more() -> None:
    with server([b""], [OK]) as (base, asked):
        assert KeptClient(token="xoxb-1", base_url=base, timeout=60).api_call("auth.test")["ok"]
    assert len(asked) == 2
    with server([b""], [b""]) as (base, asked), pytest.raises(OSError, match="the connection was closed"):
        KeptClient(token="xoxb-1", base_url=base, timeout=60).api_call("auth.test")
    assert len(asked) == 2


def test_what_is_not_slacks_answer_is_an_error() -> None:
    """A8: an answer that nobody understands grants nothing."""
    with server([PAGE]) as (base, _), pytest.raises(SlackApiError, match="HTTP 502"):
        KeptClient(token="xoxb-1", base_url=base, timeout=60).api_call("users.info")


def test_it_posts_nothing() -> None:
    """L3: a message is no question; what was left out of one would be said to have been sent."""
    with pytest.raises(TypeError, match="posts something"):
        KeptClient(token="xoxb-1", base_url="http://127.0.0.1:1/api/").chat_postMessage(channel="C0OPS", text="x")
