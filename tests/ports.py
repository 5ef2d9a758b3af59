"""Ports of loopback for servers that have to be told theirs."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held_port() -> Iterator[int]:
    """A port that nobody else is given for the length of the block, however often its server ends and starts again.

    A socket of ours is bound to it and does not listen: the kernel hands the port out to nobody else, connections are
    refused as long as no server is there, and a server may listen on it that says SO_REUSEADDR, as all of ours do.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])
