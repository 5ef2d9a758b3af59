"""A server that says these very bytes, as slowly as it is told."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


@contextmanager
def server(
    *connections: Sequence[bytes], pause: float | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[tuple[str, list[bytes]]]:
    """Gives these answers, a list a connection, and closes each after its last; the heads of the questions are kept.

    With `pause` an answer comes byte by byte, so many seconds apart.
    """
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def talk(connection: socket.socket, answers: Sequence[bytes]) -> None:
            with connection, connection.makefile("rb") as sent:
                for answer in answers:
                    head = [*takewhile(bytes.strip, sent)]
                    if not head:
                        return
                    asked.append(b"".join(head))
                    for piece in [answer] if pause is None else [bytes([byte]) for byte in answer]:
                        connection.sendall(piece)
                        time.sleep(pause or 0)  # how slow it is, is what is tested

        def serve() -> None:
            for answers in connections:
                connection, _ = listener.accept()
                try:
                    talk(tls.wrap_socket(connection, server_side=True) if tls else connection, answers)
                except OSError:  # whoever asked has gone
                    connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http{'s' if tls else ''}://127.0.0.1:{listener.getsockname()[1]}", asked
        thread.join(5)


def certificate(folder: Path) -> Path:
    """For 127.0.0.1, signed by itself, with its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "twokey test")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "own.pem"
    file.write_bytes(
        made.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return file
