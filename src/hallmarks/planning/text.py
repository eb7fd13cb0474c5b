"""Tables and times as a terminal shows them."""

from collections.abc import Collection

from tabulate import tabulate


def duration(seconds: float) -> str:
    """`37 h 10 min`, `4 min`, `12 s`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours >= 100:
        return f"{hours / 24:.1f} days"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def hours(value: float) -> str:
    """Two digits, nothing for none."""
    return "" if value == 0 else f"{value:.1f}" if value >= 0.1 else f"{value:.2g}"


def number(count: int, plural: str) -> str:
    """`1 run`, `2 studies`."""
    singular = plural.removesuffix("ies") + "y" if plural.endswith("ies") else plural.removesuffix("s")
    return f"{count} {plural if count != 1 else singular}"


def aligned(heads: tuple[str, ...], lines: list[tuple[str, ...]], numbers: Collection[int]) -> str:
    """Columns of equal width, those of `numbers` to the right."""
    sides = ["right" if column in numbers else "left" for column in range(len(heads))]
    return tabulate(lines, heads, "simple", colalign=sides if lines else None, disable_numparse=True)
