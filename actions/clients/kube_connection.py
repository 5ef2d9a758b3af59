"""One Kubernetes API server over HTTP: credentials, timeouts and errors, for whoever knows the paths."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import urllib3
import yaml

from actions.clients import kube_errors, patience
from actions.clients.exchange import Exchange
from actions.errors import Denied, Unreachable

ANSWER = 15.0  # seconds for a whole answer
_PAGE = 500  # objects in one answer of a list
_SLOW = "The cluster is too slow: it did not answer about {} in time."
Query = Mapping[str, str | int]


class Connection:
    """The API server of one kubeconfig context. Safe between threads."""

    def __init__(self, kubeconfig: Path | None, context: str | None, patience: float = ANSWER) -> None:
        """Without a kubeconfig the pod's own account is taken, or else the file where kubectl looks for it.

        `patience` is how many seconds one answer may take in all; `actions.clients.patience` may leave less.
        """
        self._kubeconfig, self._context, self._patience = kubeconfig, context, patience
        self._way: tuple[Any, Exchange] | None = None
        self._lock = threading.Lock()

    def get(self, path: str, what: str, query: Query | None = None) -> dict[str, Any]:
        """One object. Raises SourceError that names `what`."""
        return _json(self._call("GET", path, what, query or {}), what)

    def text(self, path: str, what: str, query: Query) -> str:
        """Plain text (logs). Raises SourceError."""
        return self._call("GET", path, what, query)

    def each(self, path: str, what: str, query: Query | None = None) -> Iterator[dict[str, Any]]:
        """Every object of a list, page by page. Raises SourceError."""
        page: dict[str, str | int] = {"limit": _PAGE, **(query or {})}
        while True:
            answer = self.get(path, what, page)
            yield from answer.get("items") or ()
            following = (answer.get("metadata") or {}).get("continue")
            if not following:
                return
            page["continue"] = following

    def send(
        self, method: str, path: str, what: str, body: Any, query: Query | None = None, headers: Mapping[str, str] = {}
    ) -> dict[str, Any]:
        """A write, sent once and never again by itself. Raises SourceError; Unreachable leaves its effect open."""
        sent = {"Content-Type": "application/json", **headers}
        return _json(self._call(method, path, what, query or {}, sent, body), what)

    def _call(
        self,
        method: str,
        path: str,
        what: str,
        query: Query,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> str:
        client, exchange = self._opened()
        sent = {"Accept": "application/json, */*", "User-Agent": agent(), **(headers or {})}
        sign(client, sent)
        asked = quote(path, safe="/:") + (f"?{urlencode(query)}" if query else "")
        written = None if body is None else json.dumps(body).encode()
        seconds = patience.left(self._patience)
        try:
            answer = exchange.ask(method, asked, sent, written, seconds, again=method == "GET")
        except TimeoutError as error:
            raise Unreachable(_SLOW.format(what), kube_errors.AGAIN) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            said = f"The cluster did not answer about {what}: {_why(error)}."
            raise Unreachable(said, kube_errors.AGAIN) from error
        except ValueError as error:  # nothing was sent
            raise Denied(f"I cannot ask the cluster about {what}: {_why(error)}. Renew its token.") from error
        text = answer.body.decode("utf-8", "replace")
        if not 200 <= answer.status <= 299:
            raise kube_errors.translate(answer.status, text, what)
        return text

    def _opened(self) -> tuple[Any, Exchange]:
        with self._lock:
            if self._way is None:
                client = self._open()
                # The connections that the package made of the kubeconfig. Its own way to them walks every value of a
                # request through its models.
                self._way = client, Exchange(client.rest_client.pool_manager, client.configuration.host)
            return self._way

    def _open(self) -> Any:
        # Imported late: the package takes most of a second, which every start of the program would pay.
        from kubernetes import client, config

        settings = client.Configuration()
        load: Any = config.load_kube_config
        try:
            if self._kubeconfig is None and self._context is None and _in_cluster(settings):
                pass
            else:
                load(
                    config_file=str(self._kubeconfig) if self._kubeconfig else None,
                    context=self._context,
                    client_configuration=settings,
                    persist_config=False,
                )
        except (config.ConfigException, yaml.YAMLError, OSError, ValueError) as error:
            raise Unreachable(
                f"I have no way to the cluster: {_why(error)}. Set KUBECONFIG to a file that works."
            ) from None
        settings.retries = False
        settings.proxy = settings.proxy  # settled: otherwise the whole environment is read again for every request
        opened = client.ApiClient(settings)
        del opened.default_headers["User-Agent"]  # would win over each request's own
        return opened


@cache
def agent() -> str:
    """Who we are, for the cluster's audit log."""
    try:
        return f"twokey/{metadata.version('twokey')}"
    except metadata.PackageNotFoundError:
        return "twokey/0"


def sign(client: Any, headers: dict[str, str]) -> None:
    """Adds the credential, which the package reads again now and then. Raises Denied where it cannot."""
    from kubernetes import config

    try:
        client.update_params_for_auth(headers, [], ["BearerToken"], "", "", None)
    except (config.ConfigException, yaml.YAMLError, OSError, ValueError) as error:
        raise Denied(
            f"I have no credential for the cluster: {_why(error)}."
            " Renew the token of our service account, or the credential in the kubeconfig."
        ) from error


def _in_cluster(settings: Any) -> bool:
    from kubernetes import config

    load: Any = config.load_incluster_config
    try:
        load(client_configuration=settings)
    except config.ConfigException:
        return False
    return True


def _json(text: str, what: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Unreachable(f"The cluster answered about {what} with something that is no Kubernetes object.")
    return found


def _why(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text.rpartition(": ")[2].rstrip(".") if isinstance(error, urllib3.exceptions.HTTPError) else text.rstrip(".")
