"""What a hostile neighbour in the network, a careless student or a power cut can do to a served dashboard: little."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest
import websockets
from playwright.sync_api import Browser, Page, expect

from ecosim.guard import COOKIE, DOOR, MOST_BODY, MOST_QUERY, Guard, own_path, token_of
from ecosim.parameters import ScenarioError
from ecosim.serving import Limits, Serving, check_place, greeting

Result = TypeVar("Result")
PASSWORD = "open, 芝麻 sesame"
KERNEL = "jupyter/api/kernels/0123456789abcdef/channels?session_id=tab"


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Shows a redirect instead of following it."""

    def redirect_request(self, *_: Any) -> None:
        """Follow nothing."""


def ask(address: str, data: bytes | None = None, **headers: str) -> tuple[int, str, Any]:
    """Send a request and return status, text and headers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(address, data, named)
    try:
        with urllib.request.build_opener(NoRedirect).open(request, timeout=20) as answer:
            return answer.status, answer.read().decode(errors="replace"), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace"), error.headers


def knock(address: str, **headers: str) -> int:
    """Try to open the websocket of a kernel; return the status of the answer, 101 if it opens."""

    async def attempt() -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        origin = named.pop("Origin", None)
        uri = address.replace("http", "ws", 1) + KERNEL
        try:
            async with websockets.connect(uri, additional_headers=named, origin=origin, open_timeout=10):
                return 101
        except websockets.InvalidStatus as error:
            return error.response.status_code

    return run_apart(attempt())


def run_apart(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine in a thread of its own, since Playwright keeps an event loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


# -- hosts and origins ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "[::1", "a:b", ""]
)
def test_foreign_host_is_refused(dashboard: Any, host: str) -> None:
    """Protects against DNS rebinding: a site of another name that points here gets a sentence and no page."""
    status, text, _ = ask(dashboard.address, Host=host)
    assert status in (400, 421)
    assert "solara" not in text


def test_own_hosts_are_served(dashboard: Any) -> None:
    """The address that was printed works, and so does localhost."""
    for host in (f"127.0.0.1:{dashboard.port}", f"localhost:{dashboard.port}", f"192.168.1.20:{dashboard.port}"):
        assert ask(dashboard.address, Host=host)[0] == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1", ""])
def test_foreign_origin_opens_no_websocket(dashboard: Any, origin: str) -> None:
    """A page of another site cannot drive a visitor's dashboard through the websocket, which no browser stops by itself."""
    assert knock(dashboard.address, **({"Origin": origin} if origin else {})) == 403


def test_own_origin_opens_the_websocket(dashboard: Any) -> None:
    """The refusals above are of the origin, not of everything."""
    assert knock(dashboard.address, Origin=dashboard.address.rstrip("/")) == 101


def test_foreign_form_is_refused(dashboard: Any) -> None:
    """Another site cannot post here either."""
    address = f"{dashboard.address}_solara/api/close/0123456789abcdef?session_id=tab"
    assert ask(address, b"", Origin="http://evil.example")[0] == 403
    assert ask(address, b"", Sec_Fetch_Site="cross-site")[0] == 403


# -- what is sent back --------------------------------------------------------------------------------------------


def test_headers_tell_the_browser_to_stay_here(dashboard: Any) -> None:
    """Each page names what may be loaded, may not be framed, and is what it says it is."""
    for path in ("", "static/assets/player.js", "no/such/page"):
        headers = ask(dashboard.address + path)[2]
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "http" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"


def test_page_can_be_read_aloud_and_enlarged(dashboard: Any) -> None:
    """The page has a language and lets fingers zoom; Solara's own has neither."""
    page = ask(dashboard.address)[1]
    assert '<html lang="en">' in page
    assert "user-scalable" not in page


@pytest.mark.parametrize(
    "path",
    ["_solara/cdn/left-pad@1.3.0/index.js", "_solara/cdn/../../../../etc/passwd", "_solara/cdn/%2e%2e/%2e%2e/etc/passwd",
     "static/assets/../app.py", "static/assets/%2e%2e/app.py", "static/assets/..%2fapp.py", "static/public/../app.py"],
)  # fmt: skip
def test_no_file_but_the_assets_is_served(dashboard: Any, path: str) -> None:
    """Nothing outside the assets is read, and nothing is fetched from the network for a visitor who names it."""
    with socket.create_connection(("127.0.0.1", dashboard.port), 20) as connection:
        connection.sendall(f"GET /{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode(errors="replace")
    assert answer.split()[1] in ("400", "404"), answer[:300]
    assert "root:" not in answer
    assert "import solara" not in answer


def test_too_much_is_refused(dashboard: Any) -> None:
    """A hundred megabytes and endless addresses are refused before they are read."""
    status, text, _ = ask(dashboard.address + DOOR[1:], b"x" * (MOST_BODY + 1))
    assert status == 413
    assert "bytes are the most" in text
    assert ask(f"{dashboard.address}?{'a' * (MOST_QUERY + 1)}")[0] == 414
    with socket.create_connection(("127.0.0.1", dashboard.port), 20) as connection:
        head = f"POST /_solara/api/close/1?session_id=2 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {100 * 2**20}\r\n\r\n"
        connection.sendall(head.encode())
        assert b" 413 " in connection.recv(65536).split(b"\r\n")[0]
    assert ask(dashboard.address)[0] == 200


# -- the class password -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory, new_server: Any) -> Iterator[Any]:
    """Serve with a password."""
    server = new_server(tmp_path_factory.mktemp("locked"), "--password", PASSWORD)
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize(
    "path",
    ["", "info", "static/assets/player.js", "static/main-vuetify.js", "jupyter/api/kernels/1", "resourcez", "readyz"],
)
def test_nothing_without_password(locked: Any, path: str) -> None:
    """Without the password there is the form and nothing else: no page, no script, no state of the server."""
    status, text, headers = ask(locked.address + path, Accept="text/html")
    assert status == 401
    assert "<form" in text
    assert "solara" not in text
    assert headers["x-frame-options"] == "DENY"
    assert ask(locked.address + path)[0] == 401


def test_no_websocket_without_password(locked: Any) -> None:
    """The websocket, which carries all data, is closed too, whatever the cookie says."""
    origin = locked.address.rstrip("/")
    assert knock(locked.address, Origin=origin) == 403
    assert knock(locked.address, Origin=origin, Cookie=f"{COOKIE}=guess") == 403
    assert knock(locked.address, Origin=origin, Cookie=f"{COOKIE}=") == 403
    assert knock(locked.address, Origin=origin, Cookie=f"{COOKIE}={token_of(PASSWORD)}") == 101


def test_password_opens(browser: Browser, locked: Any) -> None:
    """A visitor types the password once and comes to the page that was asked for, with what its address says."""
    page = browser.new_page()
    page.goto(f"{locked.address}info?scenario=embargo&lang=en")
    page.get_by_label("Password of the class").fill("wrong")
    page.get_by_role("button", name="Enter").click()
    expect(page.get_by_text("That is not the password.")).to_be_visible()
    page.get_by_label("Password of the class").fill(PASSWORD)
    page.get_by_role("button", name="Enter").click()
    expect(page.get_by_role("combobox", name="Scenario")).to_have_value("embargo")
    assert "info?" in page.url
    page.close()


def test_form_leads_to_this_server_alone() -> None:
    """The form cannot be used to send a visitor to another site."""
    for target in (
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\r\nSet-Cookie: a=b",
    ):
        path = own_path(target)
        assert path.startswith("/")
        assert not path.startswith(("//", "/\\"))
        assert "\r" not in path
        assert "\n" not in path


def test_guessing_is_slowed() -> None:
    """After a minute's worth of wrong passwords from an address even the right one has to wait."""
    guard = Guard(refused_by_nobody, password=PASSWORD)
    statuses = [post(guard, "wrong") for _ in range(61)]
    assert statuses[0] == 401
    assert statuses[-1] == 429
    assert post(guard, PASSWORD) == 429
    assert post(guard, PASSWORD, client="10.0.0.2") == 303


async def refused_by_nobody(scope: Any, receive: Any, send: Any) -> None:
    """Stand in for the dashboard, which the form never reaches."""
    raise AssertionError


def test_full_house_is_told() -> None:
    """When all places are taken a visitor is told so, and those inside go on."""
    guard = Guard(refused_by_nobody, full=lambda path: path == "/")
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"host", b"127.0.0.1")]}
    run_apart(guard(scope, receive, send))
    assert sent[0]["status"] == 503
    assert b"All places are taken" in sent[1]["body"]
    with pytest.raises(AssertionError):
        run_apart(guard({**scope, "path": "/static/assets/player.js"}, receive, send))


def post(guard: Guard, password: str, client: str = "10.0.0.1") -> int:
    """Send the form to a guard and return the status of its answer."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": f"password={urllib.parse.quote(password)}&next=/".encode()}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": DOOR,
        "client": (client, 1),
        "headers": [(b"host", b"127.0.0.1")],
    }
    run_apart(guard(scope, receive, send))
    return int(sent[0]["status"])


# -- how it is started --------------------------------------------------------------------------------------------


def test_class_needs_a_password() -> None:
    """Nobody lets the network in without a password by mistake."""
    with pytest.raises(ScenarioError, match="--password"):
        check_place(Serving(host="0.0.0.0"))


def test_taken_port_and_missing_directory_are_told(tmp_path: Path) -> None:
    """What cannot be served is said in a sentence before anything is loaded."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ScenarioError, match="give another --port"):
            check_place(Serving(port=taken.getsockname()[1]))
    with pytest.raises(ScenarioError, match="is no directory"):
        check_place(Serving(studies=tmp_path / "nowhere"))


def test_address_for_the_class_is_printed() -> None:
    """Who serves a class is told what to write on the board."""
    lines = greeting(Serving(host="0.0.0.0", password="x"), "http://127.0.0.1:8765/")
    assert any(line.startswith("For the class:") and ":8765/" in line for line in lines)
    assert not any("For the class" in line for line in greeting(Serving(), "http://127.0.0.1:8765/"))


def test_long_run_is_ended() -> None:
    """A run that takes longer than is allowed ends with a sentence."""
    asked = Limits(seconds=0.05).watched(lambda: False)
    assert asked() is False
    time.sleep(0.06)
    with pytest.raises(ScenarioError, match=r"over 0\.05 seconds"):
        asked()


# -- sessions -----------------------------------------------------------------------------------------------------


def opened(browser: Browser, address: str, query: str = "") -> Page:
    """Open a page in a session of its own."""
    page = browser.new_context().new_page()
    page.goto(f"{address}?{query}" if query else address)
    expect(page.get_by_label("Luck (seed)")).to_be_visible()
    return page


def leave(page: Page) -> None:
    """Close a page as a person does, who lets it say good-bye."""
    page.goto("about:blank")
    page.context.close()


def settle(condition: Any, seconds: float = 20.0) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.2)


def test_sessions_do_not_see_each_other(browser: Browser, dashboard: Any) -> None:
    """What one student sets, another does not see, even in the same second."""
    one, two = opened(browser, dashboard.address), opened(browser, dashboard.address)
    one.get_by_label("Luck (seed)").fill("4711")
    one.get_by_label("Luck (seed)").press("Enter")
    expect(one).to_have_url(re.compile("seed=4711"))
    one.get_by_label("Language").select_option("zh")
    expect(one.get_by_text("情景", exact=True)).to_be_visible()
    expect(two.get_by_label("Luck (seed)")).to_have_value("1")
    expect(two.get_by_text("Scenario", exact=True)).to_be_visible()
    assert "4711" not in two.url
    leave(one)
    leave(two)


def test_closed_tab_frees_its_session(browser: Browser, new_server: Any, tmp_path: Path) -> None:
    """Closing a tab ends what it ran and forgets what it held, at once and not after a day."""
    server = new_server(tmp_path)
    server.start()
    try:
        leave(opened(browser, server.address))  # the first visitor has the server start what it keeps
        settle(lambda: server.kernels() == 0, 10)
        threads = server.threads()
        for _ in range(3):
            page = opened(browser, server.address, "scenario=limit-turnover")
            settle(lambda: server.kernels() == 1)
            leave(page)
            settle(lambda: server.kernels() == 0, 10)
        settle(lambda: server.threads() <= threads + 2)
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("query", "sentence"),
    [("scenario=../../etc/passwd", "scenario is"), ("seed=-1", "seed is"), ("policy.subsidy=99", "policy.subsidy"),
     ("%3Cscript%3Ealert(1)%3C/script%3E=1", "is not the path of a parameter"), ("a=1&a=2", "is given twice")],
)  # fmt: skip
def test_nonsense_in_the_address_is_told(browser: Browser, dashboard: Any, query: str, sentence: str) -> None:
    """An address that says nonsense gets one sentence, runs the classroom, and runs no script."""
    page = browser.new_context().new_page()
    page.on("dialog", lambda dialog: pytest.fail("a script of the address ran"))
    page.goto(f"{dashboard.address}?{query}")
    expect(page.get_by_role("alert").first).to_contain_text(sentence)
    expect(page.get_by_role("combobox", name="Scenario")).to_have_value("classroom")
    leave(page)


def upload(page: Page, name: str, content: bytes) -> None:
    """Give the page a scenario file."""
    page.get_by_text("Share", exact=True).click()
    page.get_by_label("Upload scenario").set_input_files(
        {"name": name, "mimeType": "application/toml", "buffer": content}
    )


HOSTILE = [
    ("deep.toml", b"a = " + b"[" * 50_000, "brackets"),
    ("dots.toml", b"a" + b".a" * 90_000 + b" = 1", "characters long"),
    ("large.toml", b'title = "x"\n[roles.user]\ninitial = 2000000', "are the most here"),
    ("long.toml", b'title = "x"\nsteps = 100000', "are the most here"),
    ("out.toml", b'title = "x"\nextends = "../../../../etc/passwd"', "extends"),
    ("binary.toml", bytes(range(256)), "is not text"),
    ("empty.toml", b"", "empty"),
]


def test_hostile_uploads_are_told(browser: Browser, dashboard: Any) -> None:
    """A file that is no scenario, or a bomb, gets one sentence that names it, and the page goes on."""
    page = opened(browser, dashboard.address)
    for seed, (name, content, sentence) in enumerate(HOSTILE, start=2):
        upload(page, name, content)
        alert = page.get_by_role("alert").first
        expect(alert).to_contain_text(Path(name).stem)
        expect(alert).to_contain_text(sentence)
        assert "/tmp" not in alert.inner_text()
        sow(page, seed)
    leave(page)


# Keeps what a page sends, and its websockets, so that a test can send more.
EAR = """window.heard = []; window.sockets = [];
window.WebSocket = class extends window.WebSocket {
  constructor(...all) { super(...all); sockets.push(this); }
  send(what) { heard.push(what); super.send(what); }
};"""


def forgeries(sown: dict[str, Any], loot: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return messages that no page would send, by what they try, made from one that a page did send.

    The server hangs up on the first ones; the others it takes and does nothing.
    """

    def other(kind: str, content: Any) -> str:
        return json.dumps(sown | {"header": sown["header"] | {"msg_type": kind}, "content": content})

    def event(name: Any, data: Any) -> str:
        return other(
            "comm_msg", {"comm_id": comm, "data": {"method": "custom", "content": {"event": name, "data": data}}}
        )

    comm = sown["content"]["comm_id"]
    state = {"_model_module": "os", "_model_name": "system", "_view_module": "os"}
    return {
        "no message": "{", "brackets": "[" * 100_000,
        "code": other("execute_request", {"code": f"open({str(loot)!r}, 'w')", "silent": False}),
        "unknown kind": other("__class__", {}),
    }, {
        "a widget": other("comm_open", {"comm_id": "1", "target_name": "jupyter.widget", "data": {"state": state},
                                        "metadata": {"version": "2.1.0"}}),
        "somebody else's widget": other("comm_msg", {"comm_id": "f" * 32, "data": {"method": "update", "state": {}}}),
        "a method": other("comm_msg", {"comm_id": comm, "data": {"method": "__init__"}}),
        "a mapping as seed": event("sow", {"a": 1}), "no seed": event("sow", None), "digits": event("sow", "9" * 100_000),
        "a list as scenario": event("pick", [1]), "an unknown event": event("__class__", 1), "no event": event({"a": 1}, 1),
        "nonsense as upload": event("upload", {"name": {"a": 1}, "text": [1], "size": "x"}),
    }  # fmt: skip


def test_forged_messages_do_nothing(browser: Browser, dashboard: Any, tmp_path: Path) -> None:
    """What no page would send over the websocket runs no code and breaks no page of others; at worst the sender opens it anew."""
    neighbour = opened(browser, dashboard.address)
    page = browser.new_context().new_page()
    page.add_init_script(EAR)

    def arrive() -> tuple[dict[str, str], dict[str, str]]:
        page.goto(f"{dashboard.address}?lang=en")
        expect(page.get_by_label("Luck (seed)")).to_be_visible()
        return forgeries(sow(page, 2), tmp_path / "loot")

    refused, ignored = arrive()
    for number, message in enumerate(ignored.values(), start=3):
        page.evaluate("what => sockets.at(-1).send(what)", message)
        sow(page, number)
    for what in refused:
        sockets = page.evaluate("sockets.length")
        page.evaluate("what => sockets.at(-1).send(what)", refused[what])
        page.wait_for_function("last => sockets.length > last", arg=sockets)
        refused, _ = arrive()
    assert not (tmp_path / "loot").exists()
    leave(page)
    sow(neighbour, 4711)
    leave(neighbour)


def sow(page: Page, seed: int) -> dict[str, Any]:
    """Ask for another seed, wait until the page has it, and return the message that asked, if the page has an ear."""
    page.get_by_label("Luck (seed)").fill(str(seed))
    page.get_by_label("Luck (seed)").press("Enter")
    expect(page).to_have_url(re.compile(f"seed={seed}&|seed={seed}$"))
    heard = page.evaluate("(window.heard || []).filter(what => typeof what === 'string' && what.includes('\"sow\"'))")
    return dict(json.loads(heard[-1])) if heard else {}


def test_dropped_connection_is_made_again(browser: Browser, dashboard: Any) -> None:
    """A laptop that leaves the network for a moment goes on where it was, in the same session."""
    page = browser.new_context().new_page()
    page.add_init_script(EAR)
    page.goto(f"{dashboard.address}?policy.subsidy=0.3&lang=en")
    expect(page.get_by_label("Luck (seed)")).to_be_visible()
    sow(page, 5)
    kernels = dashboard.kernels()
    page.evaluate("sockets.at(-1).close()")
    page.wait_for_function("sockets.length > 1 && sockets.at(-1).readyState === 1", timeout=60_000)
    sow(page, 6)
    assert "policy.subsidy=0.3" in page.url
    assert dashboard.kernels() == kernels
    leave(page)


def test_hundred_megabytes_are_not_read(browser: Browser, dashboard: Any, tmp_path: Path) -> None:
    """A file of 100 MB is refused by its size, in a sentence, without being sent."""
    huge = tmp_path / "huge.toml"
    with huge.open("wb") as file:
        file.truncate(100 * 2**20)
    page = opened(browser, dashboard.address)
    page.get_by_text("Share", exact=True).click()
    page.get_by_label("Upload scenario").set_input_files(huge)
    expect(page.get_by_role("alert").first).to_contain_text("104,857,600 bytes")
    leave(page)


def test_script_in_a_name_is_shown_as_text(browser: Browser, dashboard: Any) -> None:
    """Names and titles of an upload are text wherever they are shown."""
    page = opened(browser, dashboard.address)
    page.on("dialog", lambda dialog: pytest.fail("a script of the upload ran"))
    bad = "<img src=x onerror=alert(1)>"
    world = f'extends = "classroom"\ntitle = "{bad}"\nquestion = "{bad}"\n[[organisations]]\nname = "{bad}"\nrole = "firm"\n'
    upload(page, "bad<b>.toml", world.encode())
    expect(page.get_by_role("heading", name=bad)).to_be_visible()
    assert page.locator("img[src=x]").count() == 0
    page.get_by_role("link", name="Info").click()
    expect(page.get_by_role("heading", name=bad)).to_be_visible()
    leave(page)


def test_restart_gives_the_state_back(browser: Browser, new_server: Any, tmp_path: Path) -> None:
    """The server is killed while a page is open: the page says so, and when it is back everything is as it was asked for."""
    server = new_server(tmp_path)
    server.start()
    try:
        page = browser.new_context().new_page()
        page.clock.install()
        page.goto(f"{server.address}?scenario=classroom&seed=12&policy.subsidy=0.3")
        expect(page.get_by_label("Luck (seed)")).to_be_visible()
        server.stop(kill=True)
        expect(page.get_by_text("Server disconnected.")).to_be_visible()
        server.start()
        page.clock.fast_forward(60_000)  # it waits longer before each attempt
        refresh = page.get_by_role("button", name="Refresh now")
        seed = page.get_by_label("Luck (seed)")
        settle(lambda: refresh.is_visible() or not page.get_by_text("Server disconnected.").is_visible(), 60)
        if refresh.is_visible():
            refresh.click()
        expect(seed).to_have_value("12")
        expect(page).to_have_url(re.compile("policy.subsidy=0.3"))
        leave(page)
    finally:
        server.stop()
