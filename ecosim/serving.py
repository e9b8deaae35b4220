"""Serving the dashboard to a person or a class: what is allowed, and the server itself."""

from __future__ import annotations

import importlib.util
import os
import socket
import threading
import time
import warnings
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecosim.content import content_directory
from ecosim.guard import Application, Guard, own_names
from ecosim.parameters import ScenarioError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
PAGES = ("", "info", "compare", "study", "lessons")
KERNELS = "/jupyter/api/kernels/"
CULLED_AFTER = "60s"
MOST_MESSAGE = 2**20  # bytes of one message of a browser; a scenario file is the largest
# What a screen reader and a finger that zooms need, and Solara's page lacks.
PAGE_REPAIRS = {
    b"<html>": b'<html lang="en">',
    b"initial-scale=1, maximum-scale=1, user-scalable=no, minimal-ui": b"initial-scale=1",
}
MISSING = 'the dashboard needs further packages; install them with: pip install "ecosim[dashboard]"'


@dataclass(frozen=True)
class Limits:
    """What one visitor may ask of the server, and how many visitors there may be.

    Attributes
    ----------
    sessions : open pages at once.
    steps : quarters a run lasts.
    organisations : how many there may be at any time of a run.
    seconds : how long a run may take.
    upload : bytes of a scenario file.
    """

    sessions: int = 100
    steps: int = 1_000
    organisations: int = 20_000
    seconds: float = 60.0
    upload: int = 200_000

    def watched(self, stopped: Callable[[], bool]) -> Callable[[], bool]:
        """Return a function that says what `stopped` says, and refuses to go on for longer than is allowed here."""
        end = time.monotonic() + self.seconds

        def asked() -> bool:
            if time.monotonic() > end:
                raise ScenarioError(f"the run took over {self.seconds:g} seconds; take fewer organisations or quarters")
            return stopped()

        return asked


limits = Limits()


@dataclass(frozen=True)
class Serving:
    """How the dashboard is served.

    Attributes
    ----------
    host, port : where it listens.
    password : what a visitor must know; empty for none.
    studies : the directory below which studies may be opened; None for none.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    password: str = ""
    studies: Path | None = None

    @property
    def public(self) -> bool:
        """Whether other machines can reach it."""
        return self.host not in LOOPBACK


serving = Serving()


def serve(wanted: Serving, open_browser: bool = True, say: Callable[[str], None] = print) -> None:
    """Serve the dashboard until Ctrl-C.

    Raises
    ------
    ScenarioError : a port that is taken, a host or a directory of studies that there is not, or missing packages.
    """
    global serving
    check_place(wanted)
    serving = wanted
    app = application(wanted)
    import uvicorn

    address = f"http://{'127.0.0.1' if wanted.host in ('0.0.0.0', '::') else wanted.host}:{wanted.port}/"
    for line in greeting(wanted, address):
        say(line)
    config = uvicorn.Config(
        app, host=wanted.host, port=wanted.port, loop="asyncio", access_log=False, log_level="warning", server_header=False,
        proxy_headers=False, ws_max_size=MOST_MESSAGE, ws_ping_interval=20.0, ws_ping_timeout=20.0, timeout_graceful_shutdown=2,
        limit_concurrency=16 * limits.sessions, timeout_keep_alive=10,
    )  # fmt: skip
    threading.Thread(target=warm_up, daemon=True).start()
    if open_browser:
        threading.Timer(1.5, webbrowser.open, (address,)).start()
    uvicorn.Server(config).run()


def warm_up() -> None:
    """Read the machine code of the rules, or make it after an installation, before the first visitor waits for it."""
    from ecosim.model import Ecosystem

    Ecosystem("classroom", seed=1, history=False).run()


def check_place(wanted: Serving) -> None:
    """Refuse a place that cannot be served, before anything heavy is loaded.

    Raises
    ------
    ScenarioError : what is wrong, in a sentence.
    """
    if any(importlib.util.find_spec(name) is None for name in ("solara", "starlette", "uvicorn", "networkx")):
        raise ScenarioError(MISSING)
    if wanted.studies is not None and not wanted.studies.is_dir():
        raise ScenarioError(f"--studies: {wanted.studies} is no directory; give the one that holds the studies")
    if wanted.public and not wanted.password:
        raise ScenarioError(
            f"--host {wanted.host} lets other machines in; give the class a password with --password TEXT"
        )
    try:
        family = socket.getaddrinfo(wanted.host, wanted.port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((wanted.host, wanted.port))
    except socket.gaierror:
        raise ScenarioError(f"--host: there is no address {wanted.host}; give 127.0.0.1 or 0.0.0.0") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ScenarioError(f"cannot listen on {wanted.host}:{wanted.port}: {reason}; give another --port") from None


def greeting(wanted: Serving, address: str) -> list[str]:
    """Return what is told to whoever starts the server."""
    lines = [f"ecosim dashboard: {address}"]
    if wanted.public:
        lines.append(f"For the class:    http://{own_address()}:{wanted.port}/ (with the password)")
    return [*lines, "Stop with Ctrl-C."]


def own_address() -> str:
    """Return the address under which other machines of the network see this one; nothing is sent to find out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()


def configure() -> None:
    """Set Solara up before it is loaded: no telemetry, no look at other machines, kernels that end with their page."""
    os.environ.update(
        {
            "SOLARA_APP": str(content_directory("dashboards") / "app.py"),
            "SOLARA_MODE": "production",
            "SOLARA_TELEMETRY_MIXPANEL_ENABLE": "False",
            "SOLARA_KERNEL_CULL_TIMEOUT": CULLED_AFTER,
            "SOLARA_KERNEL_MAX_PER_SESSION": str(limits.sessions),
            "SOLARA_SESSION_HTTP_ONLY": "True",
            "SOLARA_THEME_SHOW_BANNER": "False",
            "SOLARA_THEME_LOADER": "plain",
            "SOLARA_THEME_TITLE": "ecosim",
            # All that a visitor has asked for is in the address of the page, so a page that lost its kernel makes it anew.
            "SOLARA_STATE_AUTO_REMOUNT": "True",
            "SOLARA_ROOT_PATH": "",
        }
    )


def application(wanted: Serving) -> Application:
    """Return the dashboard as an ASGI application behind its guard."""
    configure()
    warnings.filterwarnings("ignore", message="Cookies with samesite=none require https")
    from solara.server import kernel_context, settings
    from solara.server import starlette as solara_starlette
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.routing import Mount, Route
    from starlette.staticfiles import StaticFiles

    from ecosim.zipped import Zipped

    async def page(request: Any, fullpath: str = "") -> Any:
        response = await solara_starlette.root(request)
        for old, new in PAGE_REPAIRS.items():
            response.body = response.body.replace(old, new)
        response.headers["content-length"] = str(len(response.body))
        return response

    def full(path: str) -> bool:
        parts = path.strip("/").split("/")
        new = (
            parts[-1] in PAGES
            if len(parts) == 1
            else path.startswith(KERNELS) and parts[3] not in kernel_context.contexts
        )
        return new and len(kernel_context.contexts) >= limits.sessions

    # Solara would fetch from the network what a visitor names and is not there.
    local = Mount("/_solara/cdn", StaticFiles(directory=settings.assets.proxy_cache_dir))
    routes = [
        Route("/", page),
        local,
        *(
            Route(route.path, page) if getattr(route, "endpoint", None) is solara_starlette.root else route
            for route in solara_starlette.routes
            if getattr(route, "path", None) not in ("/", "/_solara/cdn", "/_solara/api/evict/{kernel_id}")
        ),
    ]
    inner = Starlette(routes=routes, lifespan=solara_starlette.lifespan, middleware=[Middleware(Zipped)])
    return Guard(inner, own_names() if wanted.public else (), wanted.password, full, private=("/resourcez",))
