"""A stand-in for scheduler, node and kubelet: pods are placed, run, get ready or crash, are read from, and end.

What becomes of a pod is told by the tags of its images: `1.2-crash` crashes, `-oom` runs out of memory, `-missing`
cannot be pulled, `-slow` never gets ready; every other one is ready at once.
"""

from __future__ import annotations

import hashlib
import json
import ssl
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

from tests.cluster.control_plane import ControlPlane, Json

NODE = "stand-in"
SAID = "ready to serve"  # by every container that runs
LAST_WORDS = "panic: configuration not found"  # of one that crashes
_MERGE = {"Content-Type": "application/merge-patch+json"}


class Kubelet:
    """`with Kubelet(plane):` and pods live."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane
        self._api = plane.session()
        self._stopped = threading.Event()
        self._logs = _log_server(plane)
        self._threads = [
            threading.Thread(target=self._live, name="kubelet", daemon=True),
            threading.Thread(target=self._logs.serve_forever, name="kubelet-logs", daemon=True),
        ]

    def __enter__(self) -> Kubelet:
        self._register()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._logs.shutdown()
        self._logs.server_close()

    def _register(self) -> None:
        """A node that is ready and that takes every pod."""
        self._call("POST", "/api/v1/nodes", {"metadata": {"name": NODE}})
        status = {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self._logs.server_address[1]}},
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
            "allocatable": {"cpu": "64", "memory": "64Gi", "pods": "1000"},
            "capacity": {"cpu": "64", "memory": "64Gi", "pods": "1000"},
        }
        self._call("PATCH", f"/api/v1/nodes/{NODE}/status", {"status": status})
        self._call("PATCH", f"/api/v1/nodes/{NODE}", {"spec": {"taints": None}})

    def _live(self) -> None:
        """Follow every pod; begin again wherever the API server goes away or forgets."""
        while not self._stopped.is_set():
            try:
                with self._api.get(f"{self._plane.url}/api/v1/pods?watch=1", stream=True, timeout=300) as stream:
                    for line in stream.iter_lines():
                        self._tend(json.loads(line))
            except (requests.RequestException, AttributeError, ValueError):
                pass  # urllib3 leaves a broken stream without its reader, and its last line may be half a one
            self._stopped.wait(0.1)

    def _tend(self, seen: Json) -> None:
        pod = seen["object"]
        if seen["type"] not in ("ADDED", "MODIFIED") or pod.get("kind") != "Pod":
            return
        meta = pod["metadata"]
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
        if meta.get("deletionTimestamp"):
            self._call("DELETE", path, {"gracePeriodSeconds": 0, "preconditions": {"uid": meta["uid"]}})
        elif not pod["spec"].get("nodeName"):
            self._call("POST", f"{path}/binding", {"metadata": {"name": meta["name"]}, "target": {"name": NODE}})
        elif not (pod.get("status") or {}).get("containerStatuses"):
            self._complain(pod)  # first: whoever sees that it crashed finds the complaint
            self._call("PATCH", f"{path}/status", {"status": _status(pod)})

    def _complain(self, pod: Json) -> None:
        """What a kubelet says of a container that keeps crashing."""
        meta = pod["metadata"]
        for container in pod["spec"]["containers"]:
            if container["image"].endswith(("-crash", "-oom")):
                about = {"kind": "Pod", "apiVersion": "v1", **{k: meta[k] for k in ("name", "namespace", "uid")}}
                event = {
                    "metadata": {"generateName": f"{meta['name']}."},
                    "involvedObject": about,
                    "reason": "BackOff",
                    "message": f"Back-off restarting failed container {container['name']}",
                    "type": "Warning",
                    "source": {"component": "kubelet"},
                    "firstTimestamp": _now(),
                    "lastTimestamp": _now(),
                    "count": 1,
                }
                self._call("POST", f"/api/v1/namespaces/{meta['namespace']}/events", event)

    def _call(self, method: str, path: str, body: Json) -> None:
        """What the API server refuses is of no concern: the pod has changed or gone, and its next event says so.

        Raises RequestException where it answers nothing of use; then every pod is looked at again.
        """
        headers = _MERGE if method == "PATCH" else {}
        answer = self._api.request(method, f"{self._plane.url}{path}", json=body, headers=headers, timeout=30)
        if answer.status_code == 429 or answer.status_code >= 500:
            answer.raise_for_status()


def _status(pod: Json) -> Json:
    containers = [_container(each) for each in pod["spec"]["containers"]]
    ready = "True" if all(each["ready"] for each in containers) else "False"
    now = _now()
    waiting = any(each["image"].endswith(("-slow", "-missing")) for each in containers)
    return {
        "phase": "Pending" if waiting else "Running",
        "startTime": now,
        "podIP": "10.1.0.1",
        "conditions": [
            {"type": kind, "status": value, "lastTransitionTime": now}
            for kind, value in (("PodScheduled", "True"), ("ContainersReady", ready), ("Ready", ready))
        ],
        "containerStatuses": containers,
    }


def _container(container: Json) -> Json:
    image = container["image"]
    state: Json = {"running": {"startedAt": _now()}}
    pulled = f"{image.partition('@')[0]}@sha256:{hashlib.sha256(image.encode()).hexdigest()}"
    found: Json = {"name": container["name"], "image": image, "imageID": pulled, "ready": True, "restartCount": 0}
    if image.endswith(("-crash", "-oom")):
        ended = (
            {"exitCode": 137, "reason": "OOMKilled"} if image.endswith("-oom") else {"exitCode": 1, "reason": "Error"}
        )
        state = {"waiting": {"reason": "CrashLoopBackOff"}}
        found |= {"ready": False, "restartCount": 3, "lastState": {"terminated": ended}}
    elif image.endswith(("-missing", "-slow")):
        reason = "ImagePullBackOff" if image.endswith("-missing") else "ContainerCreating"
        state, found["ready"] = {"waiting": {"reason": reason}}, False
    return {**found, "state": state}


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


class _Logs(BaseHTTPRequestHandler):
    """`/containerLogs/<namespace>/<pod>/<container>`, as the API server asks a kubelet for them."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        text = "".join(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ} {said}\n" for said in (SAID, LAST_WORDS))
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """A test's output is no access log."""


def _log_server(plane: ControlPlane) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Logs)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(plane.certificate, plane.key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.daemon_threads = True
    return server
