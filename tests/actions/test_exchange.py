"""Answers are taken apart as RFC 9112 says, in time or not at all, and never given to another question."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

import pytest
import urllib3

from actions.clients.exchange import Exchange
from actions.clients.reply import Answer
from tests.actions.raw_server import certificate, server
from tests.waiting import PATIENCE, until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
WHOLE = {
    "counted": OK,
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\no\r\n01\r\nk\r\n0\r\nT: 1\r\n\r\n",
    "announced": b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + OK,
}
BAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbad!!"
LAST = {  # answers after which nobody may use their connection
    "closed": b"HTTP/1.1 200 OK\r\n\r\nok",
    "said": b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 2\r\n\r\nok",
    "old": b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "too much": OK + BAD,
    "counted twice": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
}
BROKEN = {
    "nothing": b"",
    "no http": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "half a head": OK[:30],
    "half a body": OK[:-1],
    "half a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok",
    "endless length": b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nok",
    "odd length": b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "long chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokXX0\r\n\r\n",
    "odd chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\nok\r\n0\r\n\r\n",
    "zipped": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "endless head": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000,
}


def get(exchange: Exchange, seconds: float = PATIENCE, path: str = "/x", again: bool = False) -> Answer:
    return exchange.ask("GET", path, {"Accept": "a/b"}, None, seconds, again)


@pytest.mark.parametrize("answer", WHOLE.values(), ids=WHOLE)
@pytest.mark.parametrize("pause", [None, 0.0], ids=["at once", "byte by byte"])
def test_an_answer_is_whole_however_it_comes_and_its_connection_serves_the_next(
    answer: bytes, pause: float | None
) -> None:
    """Were a second connection opened, nobody would answer on it."""
    with server([answer, answer], pause=pause) as (base, asked):
        exchange = Exchange(urllib3.PoolManager(), f"{base}/api/")
        assert [get(exchange).body for _ in range(2)] == [b"ok", b"ok"]
    assert all(one.startswith(b"GET /api/x HTTP/1.1\r\nHost: 127.0.0.1:") for one in asked)


@pytest.mark.parametrize("answer", LAST.values(), ids=LAST)
def test_a_connection_with_anything_left_in_it_is_not_used_again(answer: bytes) -> None:
    """What one answer leaves must not be read as the answer to another question, nor what may come there later."""
    first = [answer] if answer == LAST["closed"] else [answer, BAD]
    with server(first, [OK]) as (base, asked):
        exchange = Exchange(urllib3.PoolManager(), base)
        assert [get(exchange).body for _ in range(2)] == [b"ok", b"ok"]
    assert len(asked) == 2


def test_what_has_no_body_is_not_waited_for() -> None:
    none = b"HTTP/1.1 204 No Content\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\nX-A: 1\r\nx-a: 2\r\n\r\n"
    with server([none, head, OK]) as (base, _):
        exchange = Exchange(urllib3.PoolManager(), base)
        assert get(exchange).status == 204
        assert exchange.ask("HEAD", "/x", {}, None, PATIENCE, again=False).headers["x-a"] == "1, 2"
        assert get(exchange).body == b"ok"


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
def test_a_broken_answer_is_none_and_a_read_is_tried_once_more(answer: bytes) -> None:
    with server([answer], [answer], [OK]) as (base, asked):
        exchange = Exchange(urllib3.PoolManager(), base)
        with pytest.raises(ConnectionError):
            get(exchange, again=True)
        assert get(exchange).body == b"ok"
    assert len(asked) == 3


def test_a_write_is_never_repeated() -> None:
    """E1: whether the first one arrived is for somebody else to read."""
    with server([b""], [OK]) as (base, asked):
        exchange = Exchange(urllib3.PoolManager(), base)
        with pytest.raises(ConnectionError):
            exchange.ask("PATCH", "/x", {}, b"{}", PATIENCE, again=False)
        assert [one.split()[0] for one in asked] == [b"PATCH"]
        assert get(exchange).body == b"ok"


@pytest.mark.parametrize("status", [413, 200])
def test_a_refusal_before_all_was_heard_is_the_answer_and_nothing_is_sent_again(status: int) -> None:
    """E1: half a write was not done, so nothing but a refusal is believed of it."""
    said, heard = OK.replace(b"200", b"%d" % status), []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            connection, _ = listener.accept()
            with connection:
                heard.append(connection.recv(100))
                connection.sendall(said)

        thread = threading.Thread(target=refuse)
        thread.start()
        exchange = Exchange(urllib3.PoolManager(), f"http://127.0.0.1:{listener.getsockname()[1]}")
        body = b"x" * 20_000_000  # more than any buffer between takes
        if status == 413:
            answer = exchange.ask("PATCH", "/x", {}, body, PATIENCE, again=False)
            assert (answer.status, answer.lasts) == (413, False)
        else:
            with pytest.raises(ConnectionError):
                exchange.ask("PATCH", "/x", {}, body, PATIENCE, again=False)
        thread.join(PATIENCE)
    assert len(heard) == 1


def test_a_dripping_answer_has_the_time_of_a_whole_one() -> None:
    """Each byte comes long before a timeout of its own; a read that ran out of time is not tried again."""
    with server([OK, OK], pause=0.05) as (base, asked):
        with pytest.raises(TimeoutError):
            get(Exchange(urllib3.PoolManager(), base), seconds=0.3, again=True)
        until(lambda: asked, "the question")
        assert len(asked) == 1
        with pytest.raises(TimeoutError):
            get(Exchange(urllib3.PoolManager(), base), seconds=0.0)


@pytest.mark.parametrize("odd", ["/x HTTP/1.1\r\nX: y", "/x\n", "/\0"])
def test_no_part_of_a_question_begins_another(odd: str) -> None:
    with server([OK]) as (base, asked):
        exchange = Exchange(urllib3.PoolManager(), base)
        for path, headers in ((odd, {}), ("/x", {"X": odd}), ("/x", {odd: "y"})):
            with pytest.raises(ValueError, match="control character"):
                exchange.ask("GET", path, headers, None, PATIENCE, again=False)
        assert get(exchange).body == b"ok"
    assert len(asked) == 1


def test_a_proxy_that_forwards_hears_where_to() -> None:
    with server([OK]) as (proxy, asked):
        manager = urllib3.ProxyManager(proxy, proxy_headers={"Proxy-Authorization": "Basic eA=="})
        assert get(Exchange(manager, "http://slack.invalid/api/")).body == b"ok"
    assert asked[0].startswith(b"GET http://slack.invalid/api/x HTTP/1.1\r\nHost: slack.invalid\r\n")
    assert b"Proxy-Authorization: Basic eA==\r\n" in asked[0]


def test_a_proxy_of_encrypted_connections_is_told_no_more_than_the_host() -> None:
    refused = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
    with server([refused]) as (proxy, asked):
        exchange = Exchange(urllib3.ProxyManager(proxy), "https://slack.invalid/api/")
        with pytest.raises(OSError, match="403"):
            exchange.ask("POST", "/x", {"Authorization": "Bearer t"}, b"", PATIENCE, again=False)
    assert asked[0].startswith(b"CONNECT slack.invalid:443 HTTP/1.")
    assert b"Bearer" not in asked[0]


@pytest.mark.parametrize("line", [b"X: " + b"y" * 70_000, None], ids=["endless line", "no http"])
def test_a_proxy_that_answers_with_nonsense_is_no_connection(line: bytes | None) -> None:
    """What comes from below urllib3 is caught by nobody above."""
    said = BROKEN["no http"] if line is None else b"HTTP/1.1 200 OK\r\n" + line + b"\r\n\r\n"
    with server([said]) as (proxy, asked), pytest.raises(ConnectionError, match="proxy"):
        get(Exchange(urllib3.ProxyManager(proxy), "https://slack.invalid/api/"))
    assert len(asked) == 1


def test_only_a_certificate_that_is_trusted_is_talked_to(tmp_path: Path) -> None:
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(certificate(tmp_path))
    with server([OK], [OK], tls=own) as (base, asked):
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            get(Exchange(urllib3.PoolManager(), base))
        assert asked == []
        trusting = urllib3.PoolManager(ca_certs=str(tmp_path / "own.pem"))
        assert get(Exchange(trusting, base)).body == b"ok"
