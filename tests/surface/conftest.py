"""The dashboard for tests of its surface: a real server with no way out of this machine, and a real browser."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

# Milliseconds that a page has to come to what a test expects, on two cores that do other things besides.
expect.set_options(timeout=60_000)

PROJECT = Path(__file__).parents[2]
NOWHERE = "http://127.0.0.1:9"
PATIENCE = 120.0  # seconds in which a server answers, on a machine that does much else


class Server:
    """The command ``ecosim dashboard`` in a process of its own.

    Attributes
    ----------
    address : where it answers, with a slash at the end.
    process : the server, None while it is stopped.
    log : what it printed.
    """

    def __init__(self, directory: Path, *options: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}/"
        self.directory, self.options = directory, options
        self.log = directory / "log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        environment = os.environ | {"http_proxy": NOWHERE, "https_proxy": NOWHERE}
        command = [sys.executable, "-m", "ecosim", "dashboard", "--port", str(self.port), "--no-open", *self.options]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                command, env=environment, cwd=self.directory, stdout=output, stderr=subprocess.STDOUT
            )
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            try:
                urllib.request.urlopen(self.address, timeout=5).close()
                return
            except urllib.error.HTTPError:
                return
            except OSError:  # nobody listens yet, or a busy machine takes longer to answer
                time.sleep(0.1)
        self.stop(kill=True)
        pytest.fail(f"the server did not start: {self.log.read_text()}")

    def stop(self, kill: bool = False) -> int | None:
        """End it, as Ctrl-C does or as a power cut does; return its exit status, None if it was not running."""
        if self.process is None:
            return None
        process, self.process = self.process, None
        process.send_signal(signal.SIGKILL if kill else signal.SIGINT)
        try:
            return process.wait(30)
        finally:
            process.kill()

    def kernels(self) -> int:
        """Return how many pages the server holds the state of."""
        with urllib.request.urlopen(f"{self.address}resourcez", timeout=10) as answer:
            return int(json.load(answer)["kernels"]["total"])

    def threads(self) -> int:
        """Return how many threads the server has."""
        with urllib.request.urlopen(f"{self.address}resourcez", timeout=10) as answer:
            return int(json.load(answer)["threads"]["active"])


@pytest.fixture(scope="session")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve the dashboard to this machine, without a password."""
    server = Server(tmp_path_factory.mktemp("dashboard"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def new_server() -> Callable[..., Server]:
    """Return what makes a server of a test's own, of a directory and options of the command."""
    return Server
