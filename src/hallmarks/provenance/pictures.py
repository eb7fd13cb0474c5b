"""The derivation's key in the metadata of a PNG or PDF, so that a picture alone can be traced.

The same picture with the same key gives the same bytes; nothing that is drawn changes.
"""

import io
import re
import struct
import zlib
from typing import Any

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_KEYWORD, PDF_KEY = b"hallmarks-derivation", b"HallmarksDerivation"
KEY = rb"[0-9a-f]{64}"


def stamped(content: bytes, key: str) -> bytes:
    """The picture with the key in it; what is no PNG, or no PDF as matplotlib writes it, as it was."""
    if content.startswith(SIGNATURE):
        return stamped_png(content, key)
    return stamped_pdf(content, key) if content.startswith(b"%PDF-") else content


def key_in(content: bytes) -> str | None:
    """The key that a picture holds; None where it holds none."""
    if content.startswith(SIGNATURE):
        found = re.search(b"tEXt" + PNG_KEYWORD + b"\0(" + KEY + b")", content)
        return found[1].decode() if found else None
    found = re.findall(b"/" + PDF_KEY + rb" \((" + KEY + rb")\)", content)
    return found[-1].decode() if found else None


def drawn(content: bytes) -> Any:
    """What a file shows, whatever compresses it: a PNG's pixels, from 0 to 1; the streams of a PDF, in their
    order; else the bytes. Raises OSError where it is no whole picture."""
    if content.startswith(SIGNATURE):
        from matplotlib.image import imread

        return imread(io.BytesIO(content))
    if content.startswith(b"%PDF-"):
        streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.S)
        return [unpacked(stream) for stream in streams]
    return content


def unpacked(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return stream


def stamped_png(content: bytes, key: str) -> bytes:
    """With a tEXt chunk behind the header, the one before replaced."""
    old = re.search(rb"....tEXt" + PNG_KEYWORD + b"\0" + KEY + rb"....", content, re.S)
    if old:
        content = content[: old.start()] + content[old.end() :]
    header = len(SIGNATURE) + 8 + 13 + 4  # IHDR: length and type, 13 bytes, checksum
    body = b"tEXt" + PNG_KEYWORD + b"\0" + key.encode()
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return content[:header] + chunk + content[header:]


def stamped_pdf(content: bytes, key: str) -> bytes:
    """With an update appended, as PDF 1.4 §3.4.5 has it: the document's information, and the key in it."""
    trailer, start = content.rfind(b"trailer"), content.rfind(b"startxref")
    if PDF_KEY in content or trailer < 0 or start < trailer:
        return content
    said = content[trailer:start]
    info, root, size = (
        re.search(word, said) for word in (rb"/Info (\d+) (\d+) R", rb"/Root \d+ \d+ R", rb"/Size \d+")
    )
    before = re.match(rb"startxref\s+(\d+)", content[start:])
    if not (info and root and size and before):
        return content
    held = re.search(rb"(?:^|\n)" + info[1] + rb" " + info[2] + rb" obj\s*<<(.*?)>>\s*endobj", content, re.S)
    if held is None:
        return content
    content += b"" if content.endswith(b"\n") else b"\n"
    at = len(content)
    update = (
        info[1]
        + b" "
        + info[2]
        + b" obj\n<<"
        + held[1]
        + b"/"
        + PDF_KEY
        + b" ("
        + key.encode()
        + b") >>\nendobj\n"
    )
    table = b"xref\n" + info[1] + b" 1\n" + b"%010d %05d n \n" % (at, int(info[2]))
    ending = b"trailer\n<< " + b" ".join([size[0], root[0], info[0], b"/Prev " + before[1]]) + b" >>\n"
    return content + update + table + ending + b"startxref\n%d\n%%%%EOF\n" % (at + len(update))
