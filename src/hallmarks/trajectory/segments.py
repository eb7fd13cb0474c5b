"""How a pass cuts the parameters of a point: pieces of tensors, packed into segments that fit in cache."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """A stretch of one tensor in one group: `count` elements from `start`."""

    group: int
    tensor: str
    start: int
    count: int


def segments(pieces: Sequence[Piece], size: int) -> Iterator[list[Piece]]:
    """Cut and pack pieces into segments of at most `size` elements, each ends at a tensor's end or a cut."""
    packed: list[Piece] = []
    filled = 0
    for piece in pieces:
        if filled + piece.count > size and packed:
            yield packed
            packed, filled = [], 0
        cuts = -(-piece.count // size)
        if cuts > 1:
            edges = [piece.count * cut // cuts for cut in range(cuts + 1)]
            for begin, end in itertools.pairwise(edges):
                yield [Piece(piece.group, piece.tensor, piece.start + begin, end - begin)]
        elif piece.count:
            packed.append(piece)
            filled += piece.count
    if packed:
        yield packed


def edges_of(segment: Sequence[Piece]) -> list[tuple[int, int]]:
    """Where each piece begins and ends in a segment."""
    edges = itertools.accumulate((piece.count for piece in segment), initial=0)
    return list(itertools.pairwise(edges))
