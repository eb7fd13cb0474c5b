"""Requests over HTTP, answers taken from the socket in long pieces; what they mean is `http`'s.

urllib3, since a GB over TLS costs it 0.8 CPU seconds and the hub's own client, httpx, 2.7, which handles each
record of 16 KiB by itself. Certificates and proxies are those that the hub's client takes.
"""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2
import urllib3
from urllib3.exceptions import ProxySchemeUnknown

from hallmarks.errors import UserError

KEPT = 32  # connections to a host that are kept for later requests
PIECE = 2**18  # bytes taken from a socket at once


@contextmanager
def asked(
    method: str, url: str, headers: dict[str, str], seconds: float
) -> Iterator[urllib3.BaseHTTPResponse]:
    """An answer of which the head is there; `seconds` are borne for connecting, and for each part of it.

    Redirects are not followed, nothing is tried again, nothing is decoded. A connection whose answer was not
    read to its end is closed. Raises urllib3's HTTPError, and UserError for a proxy that it cannot talk to.
    """
    answer = _pool(_proxy_of(url)).urlopen(
        method,
        url,
        headers=headers,
        redirect=False,
        retries=False,
        preload_content=False,
        decode_content=False,
        timeout=urllib3.Timeout(connect=seconds, read=seconds),
    )
    try:
        yield answer
    finally:
        answer.close()


def _proxy_of(url: str) -> str | None:
    """What stands between here and a host, by the environment."""
    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(parts.hostname or ""):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


@functools.cache
def _pool(proxy: str | None) -> urllib3.PoolManager:
    options = {"maxsize": KEPT, "ssl_context": httpx2.create_ssl_context()}
    if proxy is None:
        return urllib3.PoolManager(**options)
    parts = urlsplit(proxy)
    own = {}
    if parts.username:
        own = urllib3.make_headers(
            proxy_basic_auth=f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        )
    try:
        return urllib3.ProxyManager(proxy, proxy_headers=own, **options)
    except ProxySchemeUnknown:
        raise UserError(
            f"a proxy of the kind {parts.scheme}:// is not spoken to; give an http:// one, or NO_PROXY"
        ) from None
