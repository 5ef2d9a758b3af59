"""One deadline holds over everything between a question and its answer: addresses, proxies, TLS, and the answer."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import urllib3

from actions.clients import patience
from actions.clients.exchange import Exchange
from actions.clients.loki import LokiLogs
from actions.clients.opening import Address, Deadline, dialled
from actions.clients.prometheus import PrometheusMetrics
from actions.errors import Unreachable
from tests.actions.raw_server import certificate, server

SOON = 0.3  # seconds that a question has
LATEST = 20.0  # seconds in which it has ended on any machine; each of these would take minutes by itself
DRIP = 0.05
LONG = b"X: " + b"y" * 5000 + b"\r\n"  # four minutes, byte by byte
NOW = datetime(2026, 11, 2, tzinfo=UTC)


@contextmanager
def prompt() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < LATEST


@contextmanager
def dead() -> Iterator[Address]:
    """An address of a server that takes no connection and refuses none: its queue is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, ExitStack() as waiting:
        for _ in range(4):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            with suppress(BlockingIOError):
                one.connect(listener.getsockname())
        yield (socket.AF_INET, socket.SOCK_STREAM, 0, "", listener.getsockname())


def test_many_dead_addresses_behind_one_name_take_no_longer_than_one() -> None:
    with dead() as address, prompt(), pytest.raises(TimeoutError):
        dialled([address] * 200, SOON, None, ())


def test_dead_addresses_leave_time_for_the_one_that_lives() -> None:
    with dead() as address, socket.create_server(("127.0.0.1", 0)) as listener:
        living = (socket.AF_INET, socket.SOCK_STREAM, 0, "", listener.getsockname())
        for seconds in (0.6, 3.0, 15.0):  # a busy machine may take the little that is left for itself
            with suppress(TimeoutError), dialled([*[address] * 5, living], seconds, None, ()) as sock:
                assert sock.getpeername() == listener.getsockname()
                return
    pytest.fail("the one that lives was never asked")


def test_addresses_that_refuse_are_passed_over_at_once_and_the_last_one_s_trouble_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        gone = (socket.AF_INET, socket.SOCK_STREAM, 0, "", listener.getsockname())
    with prompt(), pytest.raises(ConnectionRefusedError):
        dialled([gone] * 3, LATEST, None, ())
    with pytest.raises(OSError, match="no address"):
        dialled([], SOON, None, ())


def test_an_address_of_a_family_that_the_machine_does_not_have_is_passed_over() -> None:
    """A name has an IPv6 address as well, and the kernel was started without IPv6, or its sockets are forbidden."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        living = (socket.AF_INET, socket.SOCK_STREAM, 0, "", listener.getsockname())
        with dialled([(255, *living[1:]), living], LATEST, None, ()) as sock:
            assert sock.getpeername() == listener.getsockname()


def test_a_server_that_takes_no_connection_is_no_answer_in_time() -> None:
    with dead() as address:
        for scheme in ("http", "https"):
            exchange = Exchange(urllib3.PoolManager(), f"{scheme}://127.0.0.1:{address[4][1]}")
            with prompt(), pytest.raises((TimeoutError, urllib3.exceptions.ConnectTimeoutError)):
                exchange.ask("GET", "/x", {}, None, SOON, again=True)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_drips_its_answer_is_left_in_time(tmp_path: Path, scheme: str) -> None:
    """Over TLS as well, where the way through it is TLS within TLS."""
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(certificate(tmp_path))
    said = b"HTTP/1.1 200 OK\r\n" + LONG + b"\r\n"
    with server([said], pause=DRIP, tls=own if scheme == "https" else None) as (proxy, asked):
        manager = urllib3.ProxyManager(proxy, ca_certs=str(tmp_path / "own.pem"))
        with prompt(), pytest.raises(TimeoutError, match="the time for an answer is up"):
            Exchange(manager, "https://slack.invalid/api/").ask("POST", "/x", {}, b"", SOON, again=True)
    assert len(asked) <= 1


@pytest.mark.parametrize("through", ["", "proxy"])
def test_a_server_that_drips_its_part_of_tls_is_left_in_time(tmp_path: Path, through: str) -> None:
    """The second within a tunnel of TLS, where neither the socket nor the library has a limit for the whole."""
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(certificate(tmp_path))
    record = b"\x16\x03\x03\x3f\x00" + b"\x02\x00\x3e\xfc\x03\x03" + b"\x00" * 5000  # the beginning of a ServerHello
    over = threading.Event()

    def talk(connection: socket.socket) -> None:
        with suppress(OSError):  # whoever asked has gone
            if through:
                connection = own.wrap_socket(connection, server_side=True)
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            for byte in record:
                if over.wait(DRIP):
                    break
                connection.sendall(bytes([byte]))
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: talk(listener.accept()[0]))
        thread.start()
        port, trusted = listener.getsockname()[1], str(tmp_path / "own.pem")
        if through:
            manager: urllib3.PoolManager = urllib3.ProxyManager(f"https://127.0.0.1:{port}", ca_certs=trusted)
            exchange = Exchange(manager, "https://slack.invalid")
        else:
            exchange = Exchange(urllib3.PoolManager(ca_certs=trusted), f"https://127.0.0.1:{port}")
        with prompt(), pytest.raises((TimeoutError, urllib3.exceptions.TimeoutError)):
            exchange.ask("GET", "/x", {}, None, 1.0, again=True)
        over.set()
        thread.join(LATEST)
        assert not thread.is_alive()


def asked_of_prometheus(url: str) -> object:
    return PrometheusMetrics(url, SOON).instant("up", NOW)


def asked_of_loki(url: str) -> object:
    return LokiLogs(url, SOON).query("{}", NOW, NOW, 1)


ASKING = pytest.mark.parametrize(
    ("asking", "sentence"),
    [
        (asked_of_prometheus, r"^Prometheus did not answer in time\. Try a shorter window\.$"),
        (asked_of_loki, r"^Loki did not answer in time\. Try a shorter while\.$"),
    ],
)
SLOW = {
    "head": b"HTTP/1.1 200 OK\r\n" + LONG + b"Content-Length: 2\r\n\r\n{}",
    "body": b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b" " * 5000,
    "refusal": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 5000\r\n\r\n" + b" " * 5000,
}


@ASKING
@pytest.mark.parametrize("answer", SLOW.values(), ids=SLOW)
def test_a_dripping_answer_of_metrics_or_logs_ends_in_time_with_a_sentence(
    asking: Callable[[str], object], sentence: str, answer: bytes
) -> None:
    with server([answer], pause=0.002) as (url, _), prompt(), pytest.raises(Unreachable, match=sentence):
        asking(url)


@ASKING
def test_a_plan_s_own_deadline_holds_for_metrics_and_logs_as_well(
    asking: Callable[[str], object], sentence: str
) -> None:
    with server() as (url, asked), patience.within(0.0), pytest.raises(Unreachable, match=sentence):
        asking(url)
    assert asked == []


def test_a_deadline_ends_nothing_but_what_is_under_it() -> None:
    one, other = socket.socketpair()
    with one, other:
        with Deadline(LATEST) as deadline:
            deadline.watch(one)
        one.sendall(b"x")
        assert other.recv(1) == b"x"
        with pytest.raises(TimeoutError), Deadline(SOON) as deadline:
            deadline.watch(one)
            one.settimeout(LATEST)
            assert one.recv(1) == b""
