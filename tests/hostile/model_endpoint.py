"""A real OpenAI-compatible endpoint on loopback: llama.cpp's server with SmolLM2-135M, about the worst model there is.

`make model-endpoint` builds it; TWOKEY_TEST_MODEL_ENDPOINT names the folder that it prints.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.ports import held_port
from tests.waiting import until

PATIENCE = 120.0  # seconds to load the model, on a busy machine
HOW = "needs a model: `make model-endpoint`, then TWOKEY_TEST_MODEL_ENDPOINT=<what it prints>"


@contextmanager
def model_endpoint(folder: Path, log: Path) -> Iterator[str]:
    """Its base URL, for the length of the block."""
    # A killed test run leaves nothing behind: the kernel ends it with the process that started it.
    guard = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
    with held_port() as port:
        with log.open("wb") as told:
            process = subprocess.Popen(
                [*guard, str(folder / "bin" / "serve"), "--port", str(port)], stdout=told, stderr=told
            )
        try:
            url = f"http://127.0.0.1:{port}/v1"
            _await(url, process, log)
            yield url
        finally:
            process.kill()
            process.wait()


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    def tail() -> str:
        return log.read_text(errors="replace")[-2000:]

    def there() -> bool:
        assert process.poll() is None, f"the model's endpoint ended: {tail()}"
        try:
            return session.get(f"{url}/models", timeout=PATIENCE).ok
        except requests.RequestException:
            return False  # nobody listens yet

    with requests.Session() as session:
        session.trust_env = False
        until(there, "the model's endpoint ready: ", tail, PATIENCE)
