"""Bytes of a hub's files by ranges: asked for, checked, asked for again.

The hub's own address of a file leads to a signed one on another host, which is asked for once and again
before it expires; a token goes to the hub alone. Every answer must be what was asked for: status 206,
Content-Range with the total that is locked, the length, no encoding, and the etag of the answers before.
"""

import functools
import random
import re
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qs, urljoin, urlsplit

import urllib3
from huggingface_hub import constants, get_token
from huggingface_hub.utils import parse_ratelimit_headers
from urllib3.exceptions import HTTPError, NewConnectionError, ProxyError, SSLError
from urllib3.exceptions import TimeoutError as TookTooLong

from hallmarks.errors import UserError
from hallmarks.trajectory.transport.client import PIECE, asked
from hallmarks.trajectory.transport.remote import RemoteFile

TRIES = 8  # of a range that fails as networks do
FEW = 3  # of one that is answered wrongly
LIMITED = 20  # of one that is put off by 429
BACK_OFF, LONGEST = 1.0, 60.0  # seconds, doubled from try to try, up to
LONGEST_LIMIT = 3600.0  # seconds that a 429 may ask for
SLOWEST = 600.0  # seconds for one range
HOPS = 5
MARGIN = 60.0  # seconds before a signed address expires at which another is asked for
SAID = 5.0  # seconds of waiting from which on it is said

CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)$")
GOES_ON = "the same command goes on from where it stopped"
CHECK = "`hallmarks hub check` tells what the hub has now"
WHOLE = "a proxy may stand between; --cache DIR fetches whole files instead"


class Again(Exception):
    """A try that failed, where another may not. `tries` at most in all; `wait`, where told, in seconds."""

    def __init__(self, reason: str, advice: str = GOES_ON, tries: int = TRIES, wait: float | None = None):
        super().__init__(reason)
        self.reason, self.advice, self.tries, self.wait = reason, advice, tries, wait
        self.got = 0  # bytes that are there in spite of it


class Unreached(Again):
    """A host that takes no connection: the hub may name another."""


@dataclass
class Address:
    """Where a file's bytes are asked for; `signed` is not the hub's own, `until` a monotonic time."""

    url: str
    headers: dict[str, str]
    signed: bool
    until: float


@dataclass
class Known:
    """What was learned of a file."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    address: Address | None = None
    etag: str | None = None

    def forget(self, address: Address) -> None:
        """Have the hub asked for another address than this one."""
        with self.lock:
            if self.address is address:
                self.address = None


class Hold:
    """Until when a host asked to be left alone, for all threads."""

    def __init__(self) -> None:
        self.lock, self.until, self.said = threading.Lock(), {}, 0.0

    def put_off(self, host: str, seconds: float) -> None:
        with self.lock:
            self.until[host] = max(self.until.get(host, 0.0), time.monotonic() + seconds)

    def wait(self, host: str, stopped: threading.Event) -> None:
        while (left := self.until.get(host, 0.0) - time.monotonic()) > 0 and not stopped.is_set():
            stopped.wait(left + random.uniform(0.0, 0.5))

    def say(self, what: str, seconds: float) -> None:
        """Say a long wait, once for all threads that wait."""
        with self.lock:
            if seconds < SAID or time.monotonic() < self.said:
                return
            self.said = time.monotonic() + seconds
        print(f"{what}; asked again in {seconds:.0f} s", file=sys.stderr, flush=True)


HOLD = Hold()
_LOCK = threading.Lock()
_KNOWN: dict[RemoteFile, Known] = {}


def fetch(file: RemoteFile, offset: int, view: memoryview, stopped: threading.Event) -> None:
    """Fill `view` from byte `offset` on. Raises UserError naming the file, and Stopped."""
    if constants.is_offline_mode():
        raise UserError(f"{file}: HF_HUB_OFFLINE is set, and it is not read from a disk; unset it")
    known = _known(file)
    done, failures, limits, hops = 0, 0, 0, 0
    while done < len(view):
        if stopped.is_set():
            raise Stopped
        try:
            address = _address(file, known, stopped)
            HOLD.wait(_host(address.url), stopped)
            _receive(file, known, address, offset + done, view[done:], stopped)
            return
        except Moved:
            hops += 1
            if hops > HOPS:
                raise UserError(f"{file}: is sent from one address to the next; {CHECK}") from None
        except Again as again:
            done += again.got
            if again.tries == LIMITED:
                limits += 1
            else:
                failures += 1
            if limits >= LIMITED or failures >= again.tries:
                raise UserError(f"{file}: {again.reason}; {again.advice}") from None
            wait = again.wait if again.wait is not None else _back_off(failures)
            HOLD.say(f"{file}: {again.reason}", wait)
            stopped.wait(wait)


class Stopped(Exception):
    """The file was closed while it was read."""


class Moved(Exception):
    """An answer that sends on to another address, which is known now."""


def _back_off(failures: int) -> float:
    return min(LONGEST, BACK_OFF * 2 ** (failures - 1)) * random.uniform(0.5, 1.0)


def _known(file: RemoteFile) -> Known:
    with _LOCK:
        return _KNOWN.setdefault(file, Known())


def _address(file: RemoteFile, known: Known, stopped: threading.Event) -> Address:
    """Where to ask; one thread asks the hub for it, for all."""
    with known.lock:
        if known.address is None or time.monotonic() > known.address.until:
            known.address = _resolve(file, stopped)
        return known.address


def _resolve(file: RemoteFile, stopped: threading.Event) -> Address:
    """Ask the hub where a file's bytes are; what it tells of the file must be what is locked."""
    url = file.url
    for _ in range(HOPS):
        HOLD.wait(_host(url), stopped)
        headers = {"Accept-Encoding": "identity"} | _own_headers(url)
        with _failing(), asked("HEAD", url, headers, constants.HF_HUB_ETAG_TIMEOUT) as answer:
            answer.read()
        if answer.status in {301, 302, 303, 307, 308} and "location" in answer.headers:
            _compare(file, answer.headers)
            target = urljoin(url, answer.headers["location"])
            if _origin(target) != _origin(url):
                return Address(
                    target, _own_headers(target), True, time.monotonic() + _lifetime(target, answer.headers)
                )
            url = target  # a repository that was renamed
            continue
        if answer.status == 200:
            _compare(file, answer.headers)
            return Address(url, _own_headers(url), False, float("inf"))
        raise _refused(file, url, answer.status, answer.headers, hub=True)
    raise UserError(f"{file}: the hub sends from one address to the next; {CHECK}")


def _own_headers(url: str) -> dict[str, str]:
    """Who asks; and the token, for the hub's own host alone."""
    token = None if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN else get_token()
    sent = token and _origin(url) == _origin(constants.ENDPOINT)
    return {"User-Agent": "hallmarks"} | ({"Authorization": f"Bearer {token}"} if sent else {})


def _compare(file: RemoteFile, headers: Mapping[str, str]) -> None:
    """Raise UserError where the hub tells another size or digest of a file than was locked."""
    linked = "x-linked-etag" in headers or "x-linked-size" in headers
    size = headers.get("x-linked-size") or (None if linked else headers.get("content-length"))
    if size is not None and size != str(file.size) and (linked or "location" not in headers):
        raise UserError(f"{file}: has {size} bytes now, and had {file.size} when it was locked; {CHECK}")
    etag = headers.get("x-linked-etag") or (headers.get("etag") if "location" not in headers else None)
    if etag is None:
        return
    etag = _plain(etag)
    digest = file.sha256 if len(etag) == 64 else None
    if etag != (file.etag and _plain(file.etag) or digest or etag):
        raise UserError(f"{file}: is another file than was locked (etag {etag}); {CHECK}")


def _receive(
    file: RemoteFile,
    known: Known,
    address: Address,
    offset: int,
    view: memoryview,
    stopped: threading.Event,
) -> None:
    """One range, into `view`. Raises Again, Moved and UserError."""
    headers = address.headers | {
        "Range": f"bytes={offset}-{offset + len(view) - 1}",
        "Accept-Encoding": "identity",
    }
    got, start = 0, time.monotonic()
    try:
        with (
            _failing(),
            asked("GET", address.url, headers, constants.HF_HUB_DOWNLOAD_TIMEOUT) as answer,
        ):
            _check(file, known, address, answer, offset, len(view))
            while piece := answer.read(min(PIECE, len(view) - got)):
                view[got : got + len(piece)] = piece
                got += len(piece)
                if got == len(view):
                    break
                if stopped.is_set():
                    raise Stopped
                if time.monotonic() - start > SLOWEST:
                    raise Again(f"a range of {len(view)} bytes takes longer than {SLOWEST:.0f} s")
            if got < len(view):
                raise Again(f"an answer was cut, {got} of {len(view)} bytes")
            if answer.read(1):
                got = 0
                raise Again("more bytes came than were asked for", WHOLE, FEW)
    except Again as again:
        again.got = got
        if isinstance(again, Unreached):
            known.forget(address)
        raise


def _check(
    file: RemoteFile,
    known: Known,
    address: Address,
    answer: urllib3.BaseHTTPResponse,
    offset: int,
    count: int,
) -> None:
    """Raise where an answer is not the range that was asked for."""
    status, headers = answer.status, answer.headers
    if status != 206:
        if status in {301, 302, 303, 307, 308} and "location" in headers:
            target = urljoin(address.url, headers["location"])
            with known.lock:
                until = time.monotonic() + _lifetime(target, headers)
                known.address = Address(target, _own_headers(target), True, until)
            raise Moved
        if address.signed and status in {400, 401, 403, 404, 410}:
            known.forget(address)
            raise Again(
                f"its signed address is refused ({status})", "try later: the store or a clock is off", FEW
            )
        if status == 200:
            raise Again("ranges are ignored (200 in place of 206)", WHOLE, FEW)
        raise _refused(file, address.url, status, headers, hub=not address.signed)
    if headers.get("content-encoding", "identity") != "identity":
        raise Again(f"a range was answered as {headers['content-encoding']}", WHOLE, FEW)
    told = CONTENT_RANGE.match(headers.get("content-range", ""))
    if not told:
        raise Again("an answer does not say which range it is", WHOLE, FEW)
    begin, last, total = map(int, told.groups())
    if total != file.size:
        raise UserError(f"{file}: has {total} bytes now, and had {file.size} when it was locked; {CHECK}")
    if (begin, last) != (offset, offset + count - 1):
        asked = f"{offset}–{offset + count - 1}"
        raise Again(f"bytes {begin}–{last} came where {asked} were asked for", WHOLE, FEW)
    if headers.get("content-length", str(count)) != str(count):
        raise Again(f"{headers['content-length']} bytes came where {count} were asked for", WHOLE, FEW)
    etag = headers.get("etag")
    with known.lock:
        known.etag = known.etag or etag
        if etag != known.etag:
            raise UserError(
                f"{file}: changed while it was read (etag {known.etag}, now {etag}); {CHECK}, and begin again"
            )


def _refused(
    file: RemoteFile, url: str, status: int, headers: Mapping[str, str], hub: bool
) -> UserError | Again:
    """What to say of a status that is no answer, or that another try may better it."""
    said = headers.get("x-error-code", "")
    where = f"{status}{f', {said}' if said else ''}"
    if status == 429:
        seconds = _asked_for(headers)
        if seconds is not None and seconds > LONGEST_LIMIT:
            return UserError(f"{file}: too many requests (429), none is answered for {seconds:.0f} s")
        wait = _back_off(4) if seconds is None else seconds + random.uniform(0.5, 1.0)
        HOLD.put_off(_host(url), wait)
        return Again("too many requests (429)", f"a token allows more; later, {GOES_ON}", LIMITED, wait)
    if status in {408, 425} or status >= 500:
        return Again(f"{'the hub' if hub else 'its store'} is out of order ({where})")
    if status == 416:
        return UserError(f"{file}: is shorter than the {file.size} bytes that were locked (416); {CHECK}")
    if status in {401, 403}:
        given = (
            "the token that was sent may not read it"
            if "Authorization" in _own_headers(url)
            else ("it is private, gated or not there")
        )
        return UserError(
            f"{file}: refused ({where}): {given}; accept its terms on the hub's page where it has any, "
            "and give a token: HF_TOKEN, or `hf auth login`"
        )
    if status in {404, 410}:
        return UserError(f"{file}: is not there ({where}): the commit or the file is gone; {CHECK}")
    return Again(f"{'the hub' if hub else 'its store'} answers {where}", CHECK, FEW)


def _asked_for(headers: Mapping[str, str]) -> float | None:
    """The seconds that a 429 asks to wait, by Retry-After or the hub's RateLimit."""
    told = headers.get("retry-after", "").strip()
    if told.isdigit():
        return float(told)
    if told:
        try:
            return max(0.0, parsedate_to_datetime(told).timestamp() - time.time())
        except ValueError:
            pass
    limit = parse_ratelimit_headers(headers)
    return float(limit.reset_in_seconds) if limit else None


@contextmanager
def _failing() -> Iterator[None]:
    """Failures of networks as Again."""
    try:
        yield
    except (NewConnectionError, SSLError, ProxyError) as error:
        raise Unreached(
            f"cannot be reached ({_short(error)})", f"check the network and HF_ENDPOINT; {GOES_ON}"
        ) from None
    except TookTooLong:
        raise Again("nothing came for too long") from None
    except HTTPError as error:
        raise Again(f"the connection broke ({_short(error)})") from None


def _short(error: HTTPError) -> str:
    """What an error says at its end, without the objects that it names before."""
    return str(error).rpartition(": ")[2] or type(error).__name__


def _lifetime(url: str, headers: Mapping[str, str]) -> float:
    """Seconds for which a signed address is used, by the server's clock where it tells."""
    query = {key.lower(): values[-1] for key, values in parse_qs(urlsplit(url).query).items()}
    try:
        now = parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError):
        now = time.time()
    told = next((query[key] for key in ("x-amz-expires", "x-goog-expires") if key in query), None)
    try:
        left = float(told) if told else float(query["expires"]) - now
    except (KeyError, ValueError):
        return float("inf")  # until it is refused
    return max(0.0, left - min(MARGIN, left / 4))


@functools.cache
def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _host(url: str) -> str:
    return _origin(url)[1]


def _plain(etag: str) -> str:
    return etag.removeprefix("W/").strip('"')
