"""Tables, times and sizes as a terminal shows them."""


def duration(seconds: float) -> str:
    """`37 h 10 min`, `4 min`, `12 s`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 100 else f"{hours / 24:.1f} days"


def hours(value: float) -> str:
    """Two digits, nothing for none."""
    return "" if value == 0 else f"{value:.1f}" if value >= 0.1 else f"{value:.2g}"


def number(count: int, plural: str) -> str:
    """`1 run`, `2 studies`."""
    singular = plural.removesuffix("ies") + "y" if plural.endswith("ies") else plural.removesuffix("s")
    return f"{count} {plural if count != 1 else singular}"


def size(count: float) -> str:
    """`9.3 GB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def aligned(heads: tuple[str, ...], lines: list[tuple[str, ...]], numbers: range) -> str:
    """Columns of equal width, those of `numbers` to the right."""
    widths = [max(len(line[column]) for line in [heads, *lines]) for column in range(len(heads))]
    rule = tuple("-" * width for width in widths)
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in [heads, rule, *lines]
    )
