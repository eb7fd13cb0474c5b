"""What the two ports of a hub can do wrong, each an `Act` of server.py."""

import gzip
import time
from collections.abc import Callable

from hub.server import Act, Entry, Handler, Request

SILENCE = 30.0  # seconds


def _ranged(request: Request, entry: Entry) -> tuple[int, int]:
    return request.range or (0, entry.content.size)


def _told(entry: Entry, begin: int, end: int, size: int | None = None) -> dict[str, str]:
    return {
        "ETag": f'"{entry.etag or entry.sha256}"',
        "Content-Range": f"bytes {begin}-{end - 1}/{entry.content.size if size is None else size}",
    }


def ignored(handler: Handler, request: Request, entry: Entry) -> None:
    """The range is ignored: 200, and the file from its beginning."""
    handler.answer_with(200, {"ETag": f'"{entry.sha256}"'}, entry, 0, entry.content.size)


def shifted(handler: Handler, request: Request, entry: Entry) -> None:
    """The bytes are others, and Content-Range says so."""
    begin, end = _ranged(request, entry)
    begin, end = (begin - 8, end - 8) if begin >= 8 else (begin + 8, end + 8)
    handler.answer_with(206, _told(entry, begin, end), entry, begin, end)


def short(handler: Handler, request: Request, entry: Entry) -> None:
    """A 206 of fewer bytes than were asked for, which says so."""
    begin, end = _ranged(request, entry)
    middle = begin + (end - begin) // 2
    handler.answer_with(206, _told(entry, begin, middle), entry, begin, middle)


def mute_short(handler: Handler, request: Request, entry: Entry) -> None:
    """A 206 of fewer bytes than its Content-Range says, whose length is what it has."""
    begin, end = _ranged(request, entry)
    handler.answer_with(206, _told(entry, begin, end), entry, begin, begin + (end - begin) // 2)


def cut(handler: Handler, request: Request, entry: Entry) -> None:
    """The connection is closed in the middle of a body whose length was told."""
    begin, end = _ranged(request, entry)
    middle = begin + (end - begin) // 2
    handler.answer_with(206, _told(entry, begin, end), entry, begin, middle, length=end - begin)
    handler.close_connection = True


def cut_without_length(handler: Handler, request: Request, entry: Entry) -> None:
    """The same where no length was told."""
    begin, end = _ranged(request, entry)
    middle = begin + (end - begin) // 2
    handler.answer_with(206, _told(entry, begin, end), entry, begin, middle, length=None)


def too_long(handler: Handler, request: Request, entry: Entry) -> None:
    """More bytes than were asked for, without a length."""
    begin, end = _ranged(request, entry)
    more = min(end + 64, entry.content.size)
    handler.answer_with(206, _told(entry, begin, end), entry, begin, more, length=None)


def limited(reset: float, header: str = "ratelimit") -> Act:
    """429, and when to ask again."""
    told = {
        "ratelimit": {"ratelimit": f'"resolvers";r=0;t={int(reset)}'},
        "retry-after": {"Retry-After": f"{int(reset)}"},
        "date": {"Retry-After": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + reset))},
        "none": {},
    }[header]

    def act(handler: Handler, request: Request, entry: Entry | None) -> None:
        handler.answer(429, told)

    return act


def status(code: int, body: bytes = b"") -> Act:
    """An answer of this status."""
    return lambda handler, request, entry: handler.answer(code, {}, body)


unavailable = status(503)


def expired(handler: Handler, request: Request, entry: Entry | None) -> None:
    """No address that was signed is good any more."""
    handler.server.hub.signed.clear()
    handler.answer_as_store(request, entry)


def silent(handler: Handler, request: Request, entry: Entry | None) -> None:
    """Nothing is answered."""
    handler.server.hub.closed.wait(SILENCE)
    handler.close_connection = True


def silent_within(handler: Handler, request: Request, entry: Entry) -> None:
    """Half of the body, then nothing."""
    begin, end = _ranged(request, entry)
    middle = begin + (end - begin) // 2
    handler.answer_with(206, _told(entry, begin, end), entry, begin, middle, length=end - begin)
    silent(handler, request, entry)


def gzipped(handler: Handler, request: Request, entry: Entry) -> None:
    """The range, compressed."""
    begin, end = _ranged(request, entry)
    body = gzip.compress(bytes(entry.content.read(begin, end)))
    handler.answer(206, _told(entry, begin, end) | {"Content-Encoding": "gzip"}, body)


def changed(handler: Handler, request: Request, entry: Entry) -> None:
    """The range of another file, as its etag says."""
    begin, end = _ranged(request, entry)
    told = _told(entry, begin, end) | {"ETag": '"another"'}
    handler.answer_with(206, told, entry, begin, end)


def wrong_total(handler: Handler, request: Request, entry: Entry) -> None:
    """A range of a file that is longer than the one locked."""
    begin, end = _ranged(request, entry)
    handler.answer_with(206, _told(entry, begin, end, entry.content.size + 1), entry, begin, end)


def elsewhere(location: Callable[[Handler], str]) -> Act:
    """Sent on to an address."""
    return lambda handler, request, entry: handler.answer(302, {"Location": location(handler)})
