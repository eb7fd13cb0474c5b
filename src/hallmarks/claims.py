"""The paper's claims, judged from measures: those of order at any scale, numbers at the paper's own.

A claim is a dictionary: `id`, `kind`, `statement`, `section`, `runs` (variation → its runs, one a seed),
`measure` (default ω, "mds") and
- kind "order": `ascending`, the variations (names, or positions in `runs`) in the order in which the measure
  rises;
- kind "bound": `variations`, in each of which the measure lies `above` or `below` a number;
- kind "number": `paper`, the paper's value, and `variation` where `runs` has several.
`reduce` makes one number of a measure along the trajectory (REDUCE). `drops`, in `unit`s, are where the
learning rate drops: some of REDUCE, and of the measures from kernels alone (FROM_KERNEL), ask for them.
"""

import html
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from hallmarks.errors import UserError
from hallmarks.measures import Kernel, block_contrast, mean_directional_similarity, subsample
from hallmarks.page import page

ALL_SEEDS = "holds in all seeds"
MEAN = "holds in the mean"
NOT = "does not hold"
NOT_COMPARABLE = "not comparable at this scale"
VERDICTS = [ALL_SEEDS, MEAN, NOT, NOT_COMPARABLE]

# The paper gives one seed and no spread; this share of its value is about the gap between its closest rows.
TOLERANCE = 0.03

# Points before and after a drop of the learning rate that are compared (a choice).
AROUND_DROP = 2


def phase_change(value: np.ndarray, at: np.ndarray, drops: list[float]) -> float:
    """The largest change of the mean from one phase of the learning rate to the next."""
    phase = np.searchsorted(drops, at, side="right")
    return max(
        value[phase == later].mean() - value[phase == later - 1].mean() for later in range(1, len(drops) + 1)
    )


def drop_change(value: np.ndarray, at: np.ndarray, drops: list[float]) -> float:
    """The largest change across a drop: the mean of the values right after it less that of those before."""
    return max(
        value[at > drop][:AROUND_DROP].mean() - value[at < drop][-AROUND_DROP:].mean() for drop in drops
    )


def unsettled(value: np.ndarray, at: np.ndarray, drops: list[float]) -> float:
    """The share of the last value that is still to come at the first drop."""
    return 1 - value[at <= drops[0]][-1] / value[-1]


# How values [k] along a trajectory, at epochs or steps `at` [k], become one number.
REDUCE = {
    "value": lambda value, at, drops: value.item() if len(value) == 1 else np.nan,
    "mean": lambda value, at, drops: value.mean(),
    "last": lambda value, at, drops: value[-1],
    "change": lambda value, at, drops: value[-1] - value[0],
    "phase_change": phase_change,
    "drop_change": drop_change,
    "unsettled": unsettled,
}

# What such a number is, for the reader of a bound.
TOLD = {
    "change": "last less first",
    "phase_change": "change from each phase to the next",
    "drop_change": f"change across each drop, {AROUND_DROP} points before and after",
    "unsettled": "share still to come at the first drop",
    "block_contrast": "mean cosine within phases less across",
}

# Measures that the tables do not hold, one number a kernel.
FROM_KERNEL = {
    "mds_every_2nd": lambda kernel, claim: mean_directional_similarity(subsample(kernel, 2)),
    "mds_every_5th": lambda kernel, claim: mean_directional_similarity(subsample(kernel, 5)),
    "block_contrast": lambda kernel, claim: block_contrast(kernel, claim["drops"], claim["unit"]),
}


def with_kernel(table: pd.DataFrame, kernel: Kernel, claim: dict) -> pd.DataFrame:
    """A run's measures and, as one more row, the claim's measure from its kernel."""
    value = FROM_KERNEL[claim["measure"]](kernel, claim)
    row = pd.DataFrame([{"group": "all", "measure": claim["measure"], "value": value}])
    joined = pd.concat([table, row.astype({"value": float})], ignore_index=True)
    joined.attrs = table.attrs
    return joined


def judge(claims: list[dict], measures: Mapping[str, pd.DataFrame], scale: str) -> pd.DataFrame:
    """One row a claim: id, section, statement, paper, ours (mean ± sd), verdict, note.

    `measures` gives each run's table in long form. Raises UserError for a claim that cannot be read.
    """
    judges = {"order": judge_order, "bound": judge_bound, "number": judge_number}
    rows = []
    for claim in claims:
        name = claim.get("id", "without an id")
        try:
            verdict = judges[claim["kind"]](claim, measures, scale)
            rows.append({key: claim[key] for key in ["id", "section", "statement"]} | verdict)
        except KeyError as error:
            raise UserError(f"claim {name}: {error} is missing or unknown") from None
    return pd.DataFrame(rows, columns=["id", "section", "statement", "paper", "ours", "verdict", "note"])


def judge_order(claim: dict, measures: Mapping[str, pd.DataFrame], scale: str) -> dict[str, str]:
    """Does the measure rise along the variations, seed against the same seed, or at least in the mean?"""
    names = [variation(claim, key) for key in claim["ascending"]]
    seeds = {name: reduced(claim, name, measures) for name in names}
    means = {name: values.mean(skipna=False) for name, values in seeds.items()}
    shared = pd.DataFrame(seeds).dropna()
    rising = (np.diff(shared, axis=1) > 0).all(axis=1)
    broken = [f"{low} is not below {high}" for low, high in pairwise(names) if not means[low] < means[high]]
    result = {"paper": " < ".join(names), "ours": "; ".join(f"{k}: {spread(v)}" for k, v in seeds.items())}
    if reason := incomparable(claim, names, seeds, measures):
        return result | {"verdict": NOT_COMPARABLE, "note": reason}
    if len(shared) and rising.all() and not broken:
        return result | {"verdict": ALL_SEEDS, "note": ""}
    note = f"in {rising.sum()} of {len(shared)} seeds"
    if broken:
        return result | {"verdict": NOT, "note": f"{note}; in the mean {', '.join(broken)}"}
    return result | {"verdict": MEAN, "note": note}


def judge_bound(claim: dict, measures: Mapping[str, pd.DataFrame], scale: str) -> dict[str, str]:
    """Does the measure lie on the claimed side of a number, in every run, or at least in the means?"""
    names = [variation(claim, key) for key in claim["variations"]]
    seeds = {name: reduced(claim, name, measures) for name in names}
    side, limit = ("above", claim["above"]) if claim.get("above") is not None else ("below", claim["below"])
    sign = 1 if side == "above" else -1
    told = TOLD.get(claim.get("reduce", "value")) or TOLD.get(claim["measure"])
    broken = [name for name, values in seeds.items() if not sign * (values.mean() - limit) > 0]
    inside = pd.concat([sign * (values - limit) > 0 for values in seeds.values()])
    result = {
        "paper": " ".join(filter(None, [told, f"{side} {limit:g}"])),
        "ours": "; ".join(f"{name}: {spread(values)}" for name, values in seeds.items()),
    }
    if reason := incomparable(claim, names, seeds, measures):
        return result | {"verdict": NOT_COMPARABLE, "note": reason}
    if inside.all():
        return result | {"verdict": ALL_SEEDS, "note": ""}
    note = f"in {inside.sum()} of {len(inside)} runs"
    if broken:
        return result | {"verdict": NOT, "note": f"{note}; in the mean not for {', '.join(broken)}"}
    return result | {"verdict": MEAN, "note": note}


def incomparable(
    claim: dict, names: list[str], seeds: dict[str, pd.Series], measures: Mapping[str, pd.DataFrame]
) -> str:
    """Why these runs cannot be compared, or "": one diverged, unequal n, or a measure without a value."""
    where = {run: measures[run].attrs.get("diverged") for name in names for run in claim["runs"][name]}
    if any(where.values()):
        return "; ".join(f"{run} {end}" for run, end in where.items() if end)
    for name in names:
        if seeds[name].isna().any():
            return f"{claim.get('measure', 'mds')} of {name} is undefined"
    points = {name: {number_of_points(measures[run]) for run in claim["runs"][name]} for name in names}
    if len(set.union(*points.values())) > 1:
        counts = "; ".join(f"{name}: {', '.join(map(str, sorted(n)))}" for name, n in points.items())
        return f"trajectories of unequal numbers of points ({counts})"
    return ""


def judge_number(claim: dict, measures: Mapping[str, pd.DataFrame], scale: str) -> dict[str, str]:
    """Is ours within 3% of the paper's number? Judged at the paper's scale only."""
    name = variation(claim, claim.get("variation", 0))
    values = reduced(claim, name, measures)
    paper = float(claim["paper"])
    near = (values - paper).abs() <= TOLERANCE * abs(paper)
    result = {"paper": f"{paper:g}", "ours": spread(values), "note": ""}
    elsewhere = "" if scale == "paper" else f"ours is at {scale} scale"
    if reason := incomparable(claim, [name], {name: values}, measures) or elsewhere:
        return result | {"verdict": NOT_COMPARABLE, "note": reason}
    if near.all():
        return result | {"verdict": ALL_SEEDS}
    note = f"in {near.sum()} of {len(near)} seeds within {TOLERANCE:.0%}"
    holds = abs(values.mean() - paper) <= TOLERANCE * abs(paper)
    return result | {"verdict": MEAN if holds else NOT, "note": note}


def variation(claim: dict, key: str | int) -> str:
    """The variation of a claim by name or by its position in `runs`."""
    names = list(claim["runs"])
    if key in names:
        return key
    if isinstance(key, int) and 0 <= key < len(names):
        return names[key]
    raise UserError(f"claim {claim['id']}: its runs have no variation {key!r}; they are {', '.join(names)}")


def reduced(claim: dict, name: str, measures: Mapping[str, pd.DataFrame]) -> pd.Series:
    """The claim's measure for each run of a variation, by seed; NaN where a run diverged."""
    measure, reduce = claim.get("measure", "mds"), REDUCE[claim.get("reduce", "value")]
    unit, drops = claim.get("unit", "epochs").removesuffix("s"), claim.get("drops", [])
    values = {}
    for run in claim["runs"][name]:
        table = measures[run][measures[run]["group"] == "all"]
        rows = table[table["measure"] == measure].sort_values("index")
        if rows.empty and number_of_points(table) > 2:
            known = ", ".join(table["measure"].unique())
            raise UserError(f"claim {claim['id']}: there is no measure '{measure}'; {run} has {known}")
        value, at = (rows[column].to_numpy(float, na_value=np.nan) for column in ["value", unit])
        whole = len(value) and not measures[run].attrs.get("diverged")
        values[run.rpartition("/")[2]] = reduce(value, at, drops) if whole else np.nan
    return pd.Series(values, dtype=float)


def number_of_points(table: pd.DataFrame) -> int:
    """n, from the whole model's norms."""
    return int(((table["group"] == "all") & (table["measure"] == "norm")).sum())


def spread(values: pd.Series) -> str:
    """`0.7640 ± 0.0031 (3 seeds)`: mean and standard deviation; many an ω lies close to 1."""
    digits = 4 if abs(values.mean()) < 10 else 1
    if len(values) == 1:
        return f"{values.iloc[0]:.{digits}f} (1 seed)"
    return f"{values.mean():.{digits}f} ± {values.std():.{digits}f} ({len(values)} seeds)"


def summary(table: pd.DataFrame) -> str:
    """`25 claims; holds in all seeds: 19; …`."""
    counts = table["verdict"].value_counts()
    return "; ".join([f"{len(table)} claims", *(f"{v}: {counts[v]}" for v in VERDICTS if v in counts)])


STYLE = """
table { font-size: 14px }
th:nth-child(2), th:nth-child(3), th:last-child { width: 18% }
th:nth-child(4) { width: 40% }
small { color: #666; display: block }
b { white-space: nowrap }
b::before { content: "● " }
.v0 b { color: #00695c } .v1 b { color: #8a6100 } .v2 b { color: #a8210f } .v3 b { color: #666 }
"""


def render(table: pd.DataFrame, scale: str) -> str:
    """The judged claims as one HTML page."""

    def lines(text: str) -> str:
        return "".join(f"<div>{html.escape(line)}</div>" for line in text.splitlines())

    def cells(row: Any) -> str:
        paper, ours = lines(row.paper.replace(" < ", " <\n")), lines(row.ours.replace("; ", "\n"))
        note = f"<small>{html.escape(row.note)}</small>" if row.note else ""
        return (
            f'<tr class="v{VERDICTS.index(row.verdict)}" id="{html.escape(row.id)}">'
            f"<td>{html.escape(row.section)}</td><td>{html.escape(row.statement)}</td>"
            f"<td>{paper}</td><td>{ours}</td><td><b>{html.escape(row.verdict)}</b>{note}</td></tr>"
        )

    body = f"""<p>{html.escape(summary(table))}.</p>
<p>A claim of order holds in all seeds if the measure rises strictly along its variations for each seed; in
the mean if the means over seeds do. A claim about each run holds in all seeds if it does in every run; in the
mean if it does in the mean of every variation. A number of the paper's is judged at its own scale only, to
{TOLERANCE:.0%}. Ours: mean ± standard deviation over seeds.</p>
<table><thead><tr><th>Section</th><th>Claim</th><th>Paper</th><th>Ours</th><th>Verdict</th></tr></thead>
<tbody>
{chr(10).join(cells(row) for row in table.itertuples())}
</tbody></table>"""
    return page(f"The paper's claims, at {scale} scale", body, STYLE)
