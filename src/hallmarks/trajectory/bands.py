"""Segments gathered into bands, for which the bytes of every point are fetched ahead in long ranges."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hallmarks.trajectory.blocks import Reader, Stretch
from hallmarks.trajectory.checkpoints import Checkpoint
from hallmarks.trajectory.segments import Piece
from hallmarks.trajectory.tensor import ITEM_BYTES

HELD = 640 * 2**20  # bytes of all points that are held at once: two bands
LONGEST = 2**23  # bytes of one point in a band
GAP = 2**12  # bytes between tensors that are fetched with them: a format's padding and headers


@dataclass(frozen=True)
class Range:
    """Bytes of one file that are fetched together: `count` from `offset`, of which `used` are read."""

    file: int
    offset: int
    count: int
    used: int


def bands(
    segments: Iterable[list[Piece]], points: Sequence[Checkpoint], held: int = HELD
) -> Iterator[list[list[Piece]]]:
    """Consecutive segments of at most LONGEST bytes of a point, less where there are many points.

    A band has one segment at least: the memory that two of them take is then that of two segments.
    """
    item: Mapping[str, int] = {
        name: max(ITEM_BYTES[point.tensors[name].dtype] for point in points) for name in points[0].tensors
    }
    most = min(LONGEST, held // (2 * len(points)))
    band: list[list[Piece]] = []
    filled = 0
    for segment in segments:
        count = sum(piece.count * item[piece.tensor] for piece in segment)
        if band and filled + count > most:
            yield band
            band, filled = [], 0
        band.append(segment)
        filled += count
    if band:
        yield band


def fetch_ahead(reader: Reader, band: Sequence[list[Piece]]) -> None:
    """Have the bytes of a band fetched, of all points side by side; each is then read once."""
    pieces = [piece for segment in band for piece in segment]
    layouts: dict[int, list[Range]] = {}
    for files, layout, stretches in zip(
        reader.files, reader.layout_of, reader.stretches(pieces), strict=True
    ):
        if layout not in layouts:
            layouts[layout] = ranges_of(stretches)
        for each in layouts[layout]:
            files[each.file].prefetch(each.offset, each.count, each.used)


def ranges_of(stretches: Sequence[Stretch]) -> list[Range]:
    """What to fetch together of what is read of a point, in whichever order its file has it."""
    found: list[Range] = []
    for stretch in sorted(stretches, key=lambda stretch: (stretch.file, stretch.offset)):
        last = found[-1] if found else None
        near = last and last.file == stretch.file and 0 <= stretch.offset - last.offset - last.count <= GAP
        if near and stretch.end - last.offset <= LONGEST:
            count, used = stretch.end - last.offset, last.used + stretch.bytes
            found[-1] = Range(stretch.file, last.offset, count, used)
        else:
            found.append(Range(stretch.file, stretch.offset, stretch.bytes, stretch.bytes))
    return found
