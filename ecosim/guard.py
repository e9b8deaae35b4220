"""What stands between a classroom's network and the dashboard: hosts, origins, the class password, sizes, headers."""

from __future__ import annotations

import hashlib
import html
import ipaddress
import secrets
import socket
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

DOOR = "/_ecosim/password"
COOKIE = "ecosim-class"
# What a browser sends by HTTP is a password or a few words of Solara's; scenario files come over the websocket.
MOST_BODY = 16_384
MOST_QUERY = 8_192
# Wrong passwords a minute from one address: a whole class mistypes behind one router, a program guesses in vain.
MOST_GUESSES = 60
# Solara's page needs scripts in the page, and Vue compiles templates; nothing may come from or go to another machine.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>ecosim</title><style>
body {{ font: 18px/1.5 system-ui, sans-serif; margin: 12vh auto; max-width: 26em; padding: 0 16px; color: #222; }}
h1 {{ font-size: 1.5em; font-weight: 600; }}
input, button {{ font: inherit; padding: 8px 12px; border: 1px solid #767676; border-radius: 4px; }}
button {{ background: #0072b2; border-color: #0072b2; color: #fff; cursor: pointer; }}
label {{ display: block; margin-bottom: 4px; }}
</style></head><body><main><h1>ecosim</h1>{content}</main></body></html>"""
FORM = """<p role="status">{wrong}</p><form method="post" action="{door}">
<label for="password">{label}</label>
<input id="password" name="password" type="password" autocomplete="current-password" required autofocus>
<input name="next" type="hidden" value="{next}"> <button>{enter}</button></form>"""
WORDS = {
    "en": {"label": "Password of the class", "enter": "Enter", "wrong": "That is not the password.",
           "slow": "Too many wrong passwords from here; wait a minute."},
    "zh": {"label": "课堂密码", "enter": "进入", "wrong": "密码不对。", "slow": "密码错误次数过多，请等一分钟再试。"},
}  # fmt: skip


class Guard:
    """ASGI middleware that refuses what does not belong, each time with a sentence, before the dashboard sees it.

    Parameters
    ----------
    app : the dashboard.
    names : host names under which it may be asked for, beside addresses of machines; a page of another site that has its own
        name point here (DNS rebinding) is refused by this.
    password : what a visitor must know; empty for none.
    full : asked for each new visitor, by page or kernel; whether there are too many.
    private : paths that are answered to this machine alone.
    """

    def __init__(
        self,
        app: Application,
        names: Iterable[str] = (),
        password: str = "",
        full: Callable[[str], bool] = lambda path: False,
        private: tuple[str, ...] = (),
    ) -> None:
        self.app, self.full, self.private = app, full, private
        self.names = {name.lower() for name in ("localhost", *names)}
        self.password = password.encode()
        # The same before and after a restart of the server, so that a class does not have to enter it again.
        self.token = token_of(password) if password else ""
        self.guesses: dict[str, deque[float]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        refusal = self.refusal(scope)
        if refusal is not None:
            await refuse(scope, receive, send, *refusal)
        elif scope["path"] == DOOR and self.password:
            await self.open(scope, receive, send)
        elif self.password and not self.known(scope):
            await self.ask(scope, receive, send)
        elif self.full(scope["path"]):
            await refuse(scope, receive, send, 503, "All places are taken; try again in a minute.")
        else:
            await self.app(scope, limited(receive), with_headers(send))

    def refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Return the status and the sentence with which a request is refused, None if it may go on."""
        headers = headers_of(scope)
        host = headers.get("host", "")
        if not self.is_ours(host):
            return 421, "This server is not known under that name; use the address that it printed."
        origin = headers.get("origin")
        asks = scope["type"] == "websocket" or scope.get("method") not in ("GET", "HEAD", "OPTIONS")
        if origin is None and asks and headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return 403, "Requests from other sites are refused."
        if (origin is None and scope["type"] == "websocket") or (origin is not None and not same_place(origin, host)):
            return 403, "Requests from other sites are refused."
        if len(scope.get("query_string", b"")) > MOST_QUERY:
            return 414, f"The address is too long; {MOST_QUERY:,} letters are the most."
        if not headers.get("content-length", "0").isdecimal() or int(headers.get("content-length", "0")) > MOST_BODY:
            return 413, f"That is too much at once; {MOST_BODY:,} bytes are the most."
        if scope["path"].startswith(self.private) and self.private and not is_loopback(scope):
            return 404, "There is no such page."
        return None

    def is_ours(self, host: str) -> bool:
        """Whether a Host header names this server: an address, or one of its names."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
            urlsplit(f"//{host}").port  # noqa: B018  # raises if it is no number
        except ValueError:
            return False
        if name in self.names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def known(self, scope: Scope) -> bool:
        """Whether the visitor has given the password before."""
        cookies = SimpleCookie()
        try:
            cookies.load(headers_of(scope).get("cookie", ""))
        except CookieError:
            return False
        given = cookies[COOKIE].value if COOKIE in cookies else ""
        return secrets.compare_digest(given.encode(), self.token.encode())

    async def ask(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Show the form in place of a page; refuse all else."""
        wants_page = "text/html" in headers_of(scope).get("accept", "")
        if scope["type"] != "http" or scope["method"] != "GET" or not wants_page:
            await refuse(scope, receive, send, 401, "The class password is missing.")
            return
        query = scope.get("query_string", b"").decode("latin-1")
        await answer(send, 401, form(scope, scope["path"] + (f"?{query}" if query else "")))

    async def open(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a password from the form."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await refuse(scope, receive, send, 405, "Send the form of the page.")
            return
        body = await body_of(receive)
        try:
            fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=4)
        except ValueError:
            fields = {}
        target = own_path(fields.get("next", ["/"])[0])
        # Not before the body is there: who sends many requests and their bodies later is to meet one count.
        recent = self.recent_guesses(scope)
        if len(recent) >= MOST_GUESSES:
            await answer(send, 429, form(scope, target, "slow"))
        elif secrets.compare_digest(fields.get("password", [""])[0].encode(), self.password):
            cookie = f"{COOKIE}={self.token}; Path=/; HttpOnly; SameSite=Lax; Max-Age=43200"
            await answer(send, 303, "", {"location": target, "set-cookie": cookie})
        else:
            recent.append(time.monotonic())
            await answer(send, 401, form(scope, target, "wrong"))

    def recent_guesses(self, scope: Scope) -> deque[float]:
        """Return the times of the wrong passwords of the last minute from the visitor's address."""
        since = time.monotonic() - 60.0
        for address, times in list(self.guesses.items()):
            while times and times[0] < since:
                times.popleft()
            if not times:
                del self.guesses[address]
        return self.guesses.setdefault((scope.get("client") or ("", 0))[0], deque())


def token_of(password: str) -> str:
    """Return what the cookie of a visitor holds who has given the password; the password cannot be read from it."""
    return hashlib.scrypt(password.encode(), salt=b"ecosim dashboard", n=2**14, r=8, p=1).hex()


def own_names() -> set[str]:
    """Return the names that this machine has in its network."""
    name = socket.gethostname().lower()
    return {name, f"{name.partition('.')[0]}.local", socket.getfqdn().lower()}


def headers_of(scope: Scope) -> dict[str, str]:
    """Return the headers of a request by name in small letters; of one that is given twice the last."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def same_place(origin: str, host: str) -> bool:
    """Whether an Origin header names the host that was asked."""
    scheme, _, place = origin.partition("://")
    return scheme in ("http", "https") and place.lower() == host.lower()


def own_path(target: str) -> str:
    """Return a path of this server, whatever somebody put into the form."""
    path = "/" + target.replace("\\", "/").lstrip("/")
    return quote(path, safe="/?&=%+,:;@!$'()*~[]-._")


def is_loopback(scope: Scope) -> bool:
    """Whether a request comes from this machine."""
    try:
        return ipaddress.ip_address((scope.get("client") or ("", 0))[0]).is_loopback
    except ValueError:
        return False


def form(scope: Scope, target: str, wrong: str = "") -> str:
    """Return the page that asks for the password, in the language that the browser asks for."""
    language = "zh" if headers_of(scope).get("accept-language", "").lower().startswith("zh") else "en"
    words = WORDS[language]
    content = FORM.format(
        wrong=words.get(wrong, ""), door=DOOR, label=words["label"], enter=words["enter"], next=html.escape(own_path(target))
    )  # fmt: skip
    return PAGE.format(language=language, content=content)


async def answer(send: Send, status: int, page: str, more: dict[str, str] | None = None) -> None:
    """Send a page of the guard's own."""
    headers = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store", **HEADERS, **(more or {})}
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": page.encode()})


async def refuse(scope: Scope, receive: Receive, send: Send, status: int, sentence: str) -> None:
    """Refuse a request with a sentence; a websocket before it is opened."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": sentence})
    else:
        await answer(send, status, PAGE.format(language="en", content=f"<p>{html.escape(sentence)}</p>"))


async def body_of(receive: Receive) -> bytes:
    """Return the body of a request, cut off where it is too long."""
    body = b""
    while len(body) <= MOST_BODY:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return body[:MOST_BODY]


def limited(receive: Receive) -> Receive:
    """Return a `receive` that ends the request once its body is too long; what a websocket sends has its own limit."""
    taken = 0

    async def wrapped() -> Message:
        nonlocal taken
        message = await receive()
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            if taken > MOST_BODY:
                return {"type": "http.disconnect"}
        return message

    return wrapped


def with_headers(send: Send) -> Send:
    """Return a `send` that adds what browsers are to heed."""
    added = [(name.encode(), value.encode()) for name, value in HEADERS.items()]

    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [(name, value) for name, value in message["headers"] if name.lower().decode() not in HEADERS]
            message["headers"] = [*kept, *added]
        await send(message)

    return wrapped
