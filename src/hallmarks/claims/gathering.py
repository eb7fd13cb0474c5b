"""From results to evidence: a claim's number of each variation that it compares, a series over its seeds."""

import pandas as pd

from hallmarks.claims.readings import Reading, Readings
from hallmarks.claims.reductions import REDUCTIONS
from hallmarks.claims.verdicts import Evidence
from hallmarks.errors import UserError
from hallmarks.measures import derived


def gather(claim: dict, variations_in: str, readings: Readings) -> Evidence:
    """What a claim is judged by. Raises UserError."""
    if claim.get("study"):
        every = of_study(claim, readings.study(claim["study"]))
        seeds = {name: every[name] for name in compared(claim, variations_in, list(every))}
        reason = undefined(claim, seeds)
    else:
        names = compared(claim, variations_in, list(claim["runs"]))
        read = {name: {run: readings.run(run).read(claim) for run in claim["runs"][name]} for name in names}
        seeds = {name: numbers(of_runs) for name, of_runs in read.items()}
        reason = incomparable(read) or undefined(claim, seeds)
    reads = REDUCTIONS[claim["reduce"]].reads or getattr(derived.module(claim["measure"]), "READS", "")
    return Evidence(seeds, pd.DataFrame(seeds).dropna(), reason, reads)


def compared(claim: dict, variations_in: str, names: list[str]) -> list[str]:
    """The variations that a claim compares, in its order: all of them where it names none."""
    keys = claim[variations_in]
    if keys is None:
        return names
    return [variation(key, names) for key in (keys if isinstance(keys, list) else [keys])]


def variation(key: str | int, names: list[str]) -> str:
    """A variation by name or by its position."""
    if key in names:
        return key
    if isinstance(key, int) and 0 <= key < len(names):
        return names[key]
    raise UserError(f"there is no variation {key!r}; there are {', '.join(names)}")


def numbers(read: dict[str, Reading]) -> pd.Series:
    """By seed; NaN where a run diverged."""
    return pd.Series(
        {run.rpartition("/")[2]: float("nan") if each.ended else each.number for run, each in read.items()},
        dtype=float,
    )


def of_study(claim: dict, table: pd.DataFrame) -> dict[str, pd.Series]:
    """The claim's column of a study's table: a variation a value of `by`, a seed a row."""
    by, where = claim.get("by"), claim.get("where", {})
    for column in [claim["measure"], *([by] if by else []), *where]:
        if column not in table:
            raise UserError(f"{claim['study']} has no column '{column}'; it has {', '.join(table.columns)}")
    for column, value in where.items():
        table = table[table[column] == value]
    if table.empty:
        said = ", ".join(f"{column} {value}" for column, value in where.items())
        raise UserError(f"{claim['study']} has no row of {said or 'any kind'}")
    seed = next((name for name in ("seed", "seeds") if name in table), None)
    found = {}
    for value, rows in table.groupby(by, sort=False) if by else [(None, table)]:
        name = (
            f"{by} {value:g}"
            if isinstance(value, int | float)
            else f"{by} {value}"
            if by
            else claim["measure"]
        )
        index = [f"seed{each}" for each in (rows[seed] if seed else range(len(rows)))]
        if len(set(index)) < len(index):
            raise UserError(f"{claim['study']} has several rows of a seed for {name}; say which by `where`")
        found[name] = pd.Series(rows[claim["measure"]].to_numpy(float), index=index)
    return found


def incomparable(read: dict[str, dict[str, Reading]]) -> str:
    """Why these runs cannot be compared, or "": one diverged, lacks points, or unequal n."""
    ended = {run: each.ended for of_runs in read.values() for run, each in of_runs.items() if each.ended}
    if ended:
        return "; ".join(f"{run} {end}" for run, end in ended.items())
    lacking = {
        name: max(len(each.missing) for each in of_runs.values())
        for name, of_runs in read.items()
        if any(each.missing for each in of_runs.values())
    }
    if lacking:
        said = ", ".join(f"{count} of {name}" for name, count in lacking.items())
        return f"points are missing, since weights of another step were published: {said}"
    points = {name: {each.points for each in of_runs.values()} for name, of_runs in read.items()}
    if len(set.union(*points.values())) > 1:
        counts = "; ".join(f"{name}: {', '.join(map(str, sorted(n)))}" for name, n in points.items())
        return f"trajectories of unequal numbers of points ({counts})"
    return ""


def undefined(claim: dict, seeds: dict[str, pd.Series]) -> str:
    """Which variation has no number, or ""."""
    missing = [name for name, values in seeds.items() if values.isna().any()]
    return f"{claim['measure']} of {missing[0]} is undefined" if missing else ""
