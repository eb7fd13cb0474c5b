"""A hub on two ports of this machine: one that knows its files, and a store that has them, signed addresses.

What is asked of either is noted in `requests`; `faults` are what either does wrong. A file is bytes, a path,
or whatever has `size` and `read(begin, end)`.
"""

import hashlib
import http.server
import secrets
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, quote, unquote, urlsplit

from hallmarks.trajectory.transport.remote import RemoteFile

BLOCK = 2**18  # bytes sent at once
LIFETIME = 3600.0  # of a signed address, seconds


class Content(Protocol):
    """The bytes of a file."""

    size: int

    def read(self, begin: int, end: int) -> bytes | memoryview: ...


class Held:
    """Bytes in memory."""

    def __init__(self, content: bytes):
        self.content, self.size = content, len(content)

    def read(self, begin: int, end: int) -> memoryview:
        return memoryview(self.content)[begin:end]


class Lying:
    """A file of the disk."""

    def __init__(self, path: Path):
        self.path, self.size = path, path.stat().st_size

    def read(self, begin: int, end: int) -> bytes:
        with open(self.path, "rb") as file:
            file.seek(begin)
            return file.read(end - begin)


@dataclass
class Entry:
    """A file as the hub knows it; one that is not `stored` elsewhere is answered with at once."""

    content: Content
    sha256: str
    stored: bool = True
    etag: str = ""  # what the store says; by default the digest


@dataclass
class Request:
    """What was asked: `port` is hub or store, `range` the first byte and the one behind the last."""

    port: str
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    range: tuple[int, int] | None
    at: float = field(default_factory=time.monotonic)
    sent: int = 0
    status: int = 0


Act = Callable[["Handler", Request, Entry | None], None]


@dataclass
class Fault:
    """What a port does in place of its answer, to the first `times` requests that `when` is true of."""

    act: Act
    port: str = "store"
    times: float = 1
    when: Callable[[Request], bool] = lambda request: True


class Hub:
    """Serves until it is closed. `rate` bytes a second in all, `delay` seconds before each first byte."""

    def __init__(self, rate: float | None = None, delay: float = 0.0):
        self.rate, self.delay = rate, delay
        self.limit: int | None = None  # bytes, behind which the store sends no more until it is lifted
        self.files: dict[tuple[str, str, str], Entry] = {}  # by repository, commit and name
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self.token: str | None = None  # what must be sent to the hub
        self.lifetime = LIFETIME
        self.signed: dict[str, float] = {}  # until when a signature is good
        self.lock, self.free = threading.Lock(), 0.0
        self.closed = threading.Event()
        self.ports = {name: Port(self, name) for name in ("hub", "store")}
        self.url, self.store_url = (self.ports[name].url for name in ("hub", "store"))
        for port in self.ports.values():
            threading.Thread(target=port.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self) -> "Hub":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.closed.set()
        for port in self.ports.values():
            port.shutdown()
            port.server_close()

    def add(
        self,
        repository: str,
        commit: str,
        name: str,
        content: bytes | Path | Content,
        stored: bool = True,
        digest: str | None = None,
    ) -> Entry:
        """Have a file served, as the one of that name at a commit; `digest` stands for its SHA-256."""
        if isinstance(content, bytes):
            content = Held(content)
        elif isinstance(content, Path):
            content = Lying(content)
        digest = digest or hashlib.sha256(content.read(0, content.size)).hexdigest()
        entry = self.files[repository, commit, name] = Entry(content, digest, stored)
        return entry

    def remote(self, repository: str, commit: str, name: str, locked: bool = True) -> RemoteFile:
        """The file as whoever reads it names it; `locked` says that its digest is known."""
        entry = self.files[repository, commit, name]
        url = f"{self.url}/{repository}/resolve/{commit}/{quote(name)}"
        known = (entry.sha256, entry.sha256) if locked else (None, None)
        return RemoteFile(url, entry.content.size, *known, f"{repository}@{commit}/{name}")

    def sent(self, port: str = "store") -> int:
        """Bytes of bodies that a port sent."""
        return sum(request.sent for request in self.requests if request.port == port)

    def sign(self, path: str) -> str:
        """A signed address of a file in the store."""
        signature = secrets.token_hex(8)
        self.signed[signature] = time.time() + self.lifetime
        return f"{self.store_url}{path}?Expires={int(self.signed[signature])}&Signature={signature}"

    def pace(self, count: int) -> None:
        """Wait until so many bytes more may leave."""
        while self.limit is not None and self.sent() >= self.limit and not self.closed.wait(0.05):
            pass
        if self.rate:
            with self.lock:
                now = time.monotonic()
                self.free = max(self.free, now - 0.05) + count / self.rate
                wait = self.free - now
            if wait > 0:
                self.closed.wait(wait)

    def answer_api(self, handler: "Handler", request: Request) -> None:
        """Whatever is no file."""
        handler.answer(404, {"X-Error-Code": "EntryNotFound"})


class Port(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, hub: Hub, name: str):
        super().__init__(("127.0.0.1", 0), Handler)
        self.hub, self.name = hub, name
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked has gone: nothing to say."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Port

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def log_message(self, *_: object) -> None: ...

    def do_HEAD(self) -> None:
        self.take()

    def do_GET(self) -> None:
        self.take()

    def do_POST(self) -> None:
        self.take()

    def take(self) -> None:
        hub, name = self.server.hub, self.server.name
        parts = urlsplit(self.path)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        headers = {key.lower(): value for key, value in self.headers.items()}
        asked = range_of(headers.get("range"))
        self.request_ = request = Request(name, self.command, unquote(parts.path), query, headers, asked)
        with hub.lock:
            hub.requests.append(request)
        if hub.delay:
            hub.closed.wait(hub.delay)
        entry = self.entry(request)
        with hub.lock:
            fault = next((f for f in hub.faults if f.port == name and f.times > 0 and f.when(request)), None)
            if fault:
                fault.times -= 1
        if fault:
            fault.act(self, request, entry)
        elif name == "hub":
            self.answer_as_hub(request, entry)
        else:
            self.answer_as_store(request, entry)

    def entry(self, request: Request) -> Entry | None:
        """The file that an address is of."""
        way = request.path.removeprefix("/store/" if request.port == "store" else "/")
        repository, mark, rest = way.partition("/resolve/")
        commit, _, name = rest.partition("/")
        return self.server.hub.files.get((repository, commit, name)) if mark else None

    def answer_as_hub(self, request: Request, entry: Entry | None) -> None:
        hub = self.server.hub
        if entry is None:
            hub.answer_api(self, request)
        elif hub.token and request.headers.get("authorization") != f"Bearer {hub.token}":
            self.answer(401, {"X-Error-Code": "GatedRepo"})
        elif entry.stored:
            told = {
                "Location": hub.sign(f"/store{quote(request.path)}"),
                "X-Repo-Commit": commit_of(request),
                "X-Linked-Size": str(entry.content.size),
                "X-Linked-ETag": f'"{entry.sha256}"',
            }
            self.answer(302, told)
        else:
            self.answer_range(request, entry)

    def answer_as_store(self, request: Request, entry: Entry | None) -> None:
        until = self.server.hub.signed.get(request.query.get("Signature", ""), 0.0)
        if "authorization" in request.headers:
            self.answer(400, {}, b"a token was sent to the store")
        elif until < time.time():
            self.answer(403, {}, b"<Error><Code>AccessDenied</Code></Error>")
        elif entry is None:
            self.answer(404, {})
        else:
            self.answer_range(request, entry)

    def answer_range(self, request: Request, entry: Entry) -> None:
        """The bytes that were asked for, or all."""
        size = entry.content.size
        etag = {"ETag": f'"{entry.etag or entry.sha256}"', "Accept-Ranges": "bytes"}
        etag |= {"X-Repo-Commit": commit_of(request)} if request.port == "hub" else {}
        if request.range is None:
            self.answer_with(200, etag, entry, 0, size)
            return
        begin, end = request.range[0], min(request.range[1], size)
        if begin >= size:
            self.answer(416, {"Content-Range": f"bytes */{size}"})
            return
        told = etag | {"Content-Range": f"bytes {begin}-{end - 1}/{size}"}
        self.answer_with(206, told, entry, begin, end)

    def answer_with(
        self,
        status: int,
        headers: dict[str, str],
        entry: Entry,
        begin: int,
        end: int,
        length: int | None = -1,
    ) -> None:
        """An answer of a file's bytes; `length` is what is said of theirs, −1 what they are, None nothing."""
        told = dict(headers)
        if length is None:
            told["Connection"] = "close"
            self.close_connection = True
        else:
            told["Content-Length"] = str(end - begin if length < 0 else length)
        self.begin(status, told)
        if self.command != "HEAD":
            self.send_bytes(entry, begin, end)

    def send_bytes(self, entry: Entry, begin: int, end: int) -> None:
        for at in range(begin, end, BLOCK):
            part = entry.content.read(at, min(at + BLOCK, end))
            self.server.hub.pace(len(part))
            self.request_.sent += len(part)  # before whoever asked has them, and looks
            self.wfile.write(part)

    def answer(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        """An answer with a small body."""
        self.begin(status, headers | {"Content-Length": str(len(body))})
        if self.command != "HEAD":
            self.wfile.write(body)

    def begin(self, status: int, headers: dict[str, str]) -> None:
        self.request_.status = status
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


def commit_of(request: Request) -> str:
    return request.path.partition("/resolve/")[2].partition("/")[0]


def range_of(told: str | None) -> tuple[int, int] | None:
    if not told or not told.startswith("bytes="):
        return None
    begin, _, last = told.removeprefix("bytes=").partition("-")
    return int(begin), int(last) + 1


class Repeated:
    """A file too large to hold: a beginning, then a block of bytes over and over, begun `turned` bytes in."""

    def __init__(self, beginning: bytes, block: bytes, size: int, turned: int = 0):
        self.beginning, self.size, self.turned = beginning, size, turned
        self.block, self.length = memoryview(block + block[:BLOCK]), len(block)

    def read(self, begin: int, end: int) -> bytes | memoryview:
        """At most BLOCK bytes."""
        if begin < len(self.beginning):
            head = self.beginning[begin:end]
            rest = end - begin - len(head)
            return head + bytes(self.read(begin + len(head), end)) if rest else head
        at = (begin - len(self.beginning) + self.turned) % self.length
        return self.block[at : at + end - begin]
