"""A program to be killed in the middle: runs a request, says where it is on standard output, and waits there."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from tests.approvals.doubles import Hands, a_house


def main(url: str, request_id: str, where: str, cluster: str) -> None:
    """`where` is `before` or `after` the effect; the effect is a line in the file `cluster`."""

    def wait() -> None:
        sys.stdout.write("here\n")
        sys.stdout.flush()
        threading.Event().wait(60)

    class OnDisk(Hands):
        def _after(self) -> None:
            with Path(cluster).open("a") as file:
                file.write(f"{request_id}\n")
            if where == "after":
                wait()

    hands = OnDisk()
    hands.after_effect = hands._after
    if where == "before":
        hands.before_effect = wait
    a_house(Path(), hands=hands, url=url).gate.run(request_id)


if __name__ == "__main__":
    main(*sys.argv[1:])
