"""A real Kubernetes control plane on loopback: etcd, kube-apiserver and the controllers, without a node."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import requests

from tests.cluster.access import a_session, write_kubeconfig
from tests.ports import held_port
from tests.waiting import until

ADMIN = "admin-token"  # of system:masters, in a cluster that lives as long as the tests
PATIENCE = 180.0  # seconds until a program counts as not starting
_CONTROLLERS = (
    "deployment-controller",
    "replicaset-controller",
    "statefulset-controller",
    "daemonset-controller",
    "horizontal-pod-autoscaler-controller",
    "disruption-controller",
    "resourcequota-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "validatingadmissionpolicy-status-controller",
)
_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "Metadata", "verbs": ["create", "update", "patch", "delete", "deletecollection"]},
        {"level": "None"},
    ],
}
Json = dict[str, Any]


class ControlPlane:
    """Started from a folder of programs (KUBEBUILDER_ASSETS), and stopped for good; its API server may go and come."""

    def __init__(self, assets: Path, folder: Path) -> None:
        self._assets, self._folder = assets, folder
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._ports = ExitStack()
        self._etcd_port, self._peer_port, self.port = (self._ports.enter_context(held_port()) for _ in range(3))
        self.url = f"https://127.0.0.1:{self.port}"
        self.certificate, self.key = folder / "certs" / "apiserver.crt", folder / "certs" / "apiserver.key"

    def start(self) -> None:
        """Returns once the API server says that it is ready."""
        (self._folder / "tokens.csv").write_text(f'{ADMIN},admin,admin,"system:masters"\n')
        (self._folder / "audit-policy.yaml").write_text(json.dumps(_AUDIT_POLICY))
        self.run(self._assets / "etcd", *self._etcd())
        self.start_api_server()
        self.run(self._assets / "kube-controller-manager", *self._controllers())

    def start_api_server(self) -> None:
        """On the same port and the same data as before. Returns once it is ready."""
        self.run(self._assets / "kube-apiserver", *self._api_server())
        self._await_ready()

    def stop_api_server(self) -> None:
        """At once, as by a crash."""
        self.end("kube-apiserver")

    def stop(self) -> None:
        """The API server before etcd: without it, its own orderly end would hang for minutes and keep the port."""
        for name in ("kube-apiserver", "kube-controller-manager", "etcd"):
            self.end(name)
        self._ports.close()

    def run(self, program: Path, *arguments: str) -> None:
        """A program beside it, a controller of somebody's; it ends with `end`."""
        # A killed test run leaves nothing behind: the kernel ends these with the process that started them.
        guard = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
        with (self._folder / f"{program.name}.log").open("ab") as log:
            self._processes[program.name] = subprocess.Popen(
                [*guard, str(program), *arguments], stdout=log, stderr=log, cwd=self._folder
            )

    def end(self, name: str) -> None:
        """The program of this name, at once."""
        process = self._processes.pop(name, None)
        if process is not None:
            process.send_signal(signal.SIGKILL)
            process.wait(PATIENCE)

    def kubeconfig(self, name: str = "admin", token: str = ADMIN, server: str | None = None) -> Path:
        """A kubeconfig for whoever has this token; `server` is another address of the same API."""
        return write_kubeconfig(self._folder / f"{name}.kubeconfig", server or self.url, self.certificate, token)

    def session(self) -> requests.Session:
        """Of its administrator, without this package's or the product's client in between."""
        session = self.stranger()
        session.headers["Authorization"] = f"Bearer {ADMIN}"
        return session

    def stranger(self) -> requests.Session:
        """Of nobody: each request brings its own credential."""
        return a_session(str(self.certificate))

    def audit_log(self) -> Iterator[Json]:
        """Every write so far, as the API server itself recorded it."""
        whole, _, _unfinished = (self._folder / "audit.log").read_text().rpartition("\n")
        for line in whole.splitlines():
            yield json.loads(line)

    def _etcd(self) -> Sequence[str]:
        client, peer = f"http://127.0.0.1:{self._etcd_port}", f"http://127.0.0.1:{self._peer_port}"
        return (
            f"--data-dir={self._folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
            "--log-level=error",
        )

    def _api_server(self) -> Sequence[str]:
        return (
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            f"--cert-dir={self._folder / 'certs'}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.port}",
            "--service-cluster-ip-range=10.0.0.0/24",
            f"--token-auth-file={self._folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            f"--service-account-issuer={self.url}",
            f"--service-account-key-file={self._folder / 'certs' / 'apiserver.key'}",
            f"--service-account-signing-key-file={self._folder / 'certs' / 'apiserver.key'}",
            "--disable-admission-plugins=ServiceAccount",  # nobody makes the tokens that it would wait for
            f"--audit-policy-file={self._folder / 'audit-policy.yaml'}",
            f"--audit-log-path={self._folder / 'audit.log'}",
        )

    def _controllers(self) -> Sequence[str]:
        return (
            f"--kubeconfig={self.kubeconfig()}",
            f"--controllers={','.join(_CONTROLLERS)}",
            "--leader-elect=false",
            "--secure-port=0",
            "--horizontal-pod-autoscaler-sync-period=1s",
        )

    def _await_ready(self) -> None:
        until(self._ready, "the API server ready: ", lambda: self._tail("kube-apiserver"), PATIENCE)

    def _ready(self) -> bool:
        for name, process in self._processes.items():
            assert process.poll() is None, f"{name} ended: {self._tail(name)}"
        if not self.certificate.exists():
            return False
        try:
            with self.session() as session:
                return session.get(f"{self.url}/readyz", timeout=5).ok
        except requests.RequestException:
            return False

    def _tail(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text(errors="replace")[-2000:]


@contextmanager
def control_plane(assets: Path, folder: Path) -> Iterator[ControlPlane]:
    """A control plane for the length of the block."""
    plane = ControlPlane(assets, folder)
    try:
        plane.start()
        yield plane
    finally:
        plane.stop()
