"""What a site has: partitions with their limits, and the accounts of the user."""

import getpass
from dataclasses import dataclass

from hallmarks.cluster.ask import ask


@dataclass(frozen=True)
class Partition:
    """`up`, `down`, …; the longest time of a job in seconds; whether any of its nodes has GPUs."""

    state: str
    limit: float
    gpus: bool


def partitions() -> dict[str, Partition]:
    """Every partition by name. Raises UserError where the controller does not answer."""
    found: dict[str, Partition] = {}
    for line in ask("sinfo", "--noheader", "--format=%R|%a|%l|%G"):  # a line for each kind of node
        name, state, limit, gres = line.split("|", 3)
        before = found.get(name)
        found[name] = Partition(state, seconds_of(limit), "gpu" in gres or bool(before and before.gpus))
    return found


def accounts() -> list[str]:
    """The accounts that the user may use. Raises UserError where accounting does not answer."""
    mine = f"user={getpass.getuser()}"
    return sorted({*ask("sacctmgr", "-nP", "show", "associations", mine, "format=account")} - {""})


def seconds_of(limit: str) -> float:
    """`infinite`, `days-hours:minutes:seconds`, `minutes:seconds`, … in seconds."""
    if limit in {"infinite", "n/a"}:
        return float("inf")
    days, _, rest = limit.rpartition("-")
    total = 0
    for part in rest.split(":"):
        total = 60 * total + int(part)
    return 86400 * int(days or 0) + total
