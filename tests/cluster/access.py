"""How the tests reach a cluster as its administrator: one of their own, or another one that a kubeconfig names."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import requests
import yaml
from kubernetes import client, config


class Access(Protocol):
    """A cluster, seen from outside."""

    @property
    def url(self) -> str: ...

    def kubeconfig(self, name: str, token: str, server: str | None = None) -> Path:
        """A kubeconfig for whoever has this token; `server` is another address of the same API."""
        ...

    def session(self) -> requests.Session:
        """Of its administrator, without the product's client in between."""
        ...

    def stranger(self) -> requests.Session:
        """Of nobody: each request brings its own credential."""
        ...


class Outside:
    """A cluster that somebody else runs. `kubeconfig` is an administrator's: by token or by certificate."""

    def __init__(self, kubeconfig: Path, folder: Path) -> None:
        self._settings: Any = client.Configuration()
        load: Any = config.load_kube_config
        load(config_file=str(kubeconfig), client_configuration=self._settings, persist_config=False)
        self._folder = folder
        self.url = str(self._settings.host)

    def kubeconfig(self, name: str, token: str, server: str | None = None) -> Path:
        path, certificate = self._folder / f"{name}.kubeconfig", self._settings.ssl_ca_cert
        return write_kubeconfig(path, server or self.url, Path(certificate) if certificate else None, token)

    def session(self) -> requests.Session:
        session = self.stranger()
        for each in self._settings.auth_settings().values():
            session.headers[each["key"]] = each["value"]
        if self._settings.cert_file:
            session.cert = (self._settings.cert_file, self._settings.key_file)
        return session

    def stranger(self) -> requests.Session:
        return a_session(self._settings.ssl_ca_cert)


def a_session(certificate: str | None) -> requests.Session:
    """With this certificate authority, or the system's own."""
    session = requests.Session()
    session.trust_env = False  # a machine's own proxies and certificates are no concern of these
    session.verify = certificate or True
    return session


def write_kubeconfig(path: Path, server: str, certificate: Path | None, token: str) -> Path:
    """With one context, `test`."""
    trusted = {"certificate-authority": str(certificate)} if certificate else {}
    written = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {"server": server, **trusted}}],
        "users": [{"name": "test", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "current-context": "test",
    }
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(written))
    return path
