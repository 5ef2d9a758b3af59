"""`python -m tests.cluster`: a control plane with a stand-in for its nodes, for whatever wants one.

Prints the path of its administrator's kubeconfig, for TWOKEY_TEST_KUBECONFIG say, and runs until standard input ends.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from tests.cluster.control_plane import control_plane
from tests.cluster.kubelet import Kubelet


def main() -> None:
    """KUBEBUILDER_ASSETS names the folder of its programs, as for the tests."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if not assets:
        sys.exit("KUBEBUILDER_ASSETS is not set: `make control-plane` prints what it is to name.")
    with (
        tempfile.TemporaryDirectory(prefix="twokey-plane-") as folder,
        control_plane(Path(assets), Path(folder)) as plane,
        Kubelet(plane),
    ):
        sys.stdout.write(f"{plane.kubeconfig()}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
