"""Judges the claims of a table from results: those of order at any scale, numbers at the paper's own.

A claim is a dictionary, as its table's settings hold it: the fields of its kind, with variations by label,
and `id`, `runs` (label → its runs, one a seed), and `drops` of the learning rate in `unit`s.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from hallmarks.claims.reductions import REDUCTIONS
from hallmarks.claims.verdicts import VERDICTS, Evidence
from hallmarks.config.registry import Registry
from hallmarks.errors import UserError
from hallmarks.kernel.file import Kernel
from hallmarks.measures import derived
from hallmarks.measures.file import read_measures
from hallmarks.measures.phases import Phases

KINDS = Registry("hallmarks.claims.kinds", "kind of claim", "kind")
DEFAULTS = {"measure": "mds", "reduce": "value", "unit": "epochs", "drops": []}
COLUMNS = ["id", "section", "statement", "paper", "ours", "verdict", "note"]


def judge_table(settings: dict[str, Any]) -> pd.DataFrame:
    """The claims of a table's settings, judged (COLUMNS). Raises UserError, as where results are missing."""
    claims, folder, runs, of_kernels = claims_of(settings), settings["results"], set(), set()
    for claim in claims:
        runs |= runs_of(claim)
        of_kernels |= runs_of(claim) if derived.module_name(claim.get("measure", "")) else set()
    measures = {run: read_measures(folder / "measures" / f"{run}.parquet") for run in sorted(runs)}
    kernels = {run: Kernel.load(folder / "kernels" / f"{run}.npz") for run in sorted(of_kernels)}
    return judge(claims, measures, settings["scale"], kernels)


def claims_of(settings: dict[str, Any]) -> list[dict]:
    """The claims of a table's settings, `runs` spelled out: with `seeds`, they name `<task>/<variation>`."""
    claims = settings.get("claims")
    if not isinstance(claims, list) or not all(isinstance(claim, dict) for claim in claims):
        raise UserError('claims: the settings hold a list of {"id": …, "kind": …, "runs": {…}, …}')
    return [
        claim | {"runs": {label: of_seeds(run, claim["seeds"]) for label, run in claim["runs"].items()}}
        if {"seeds", "runs"} <= claim.keys()
        else claim
        for claim in claims
    ]


def of_seeds(run: str, seeds: list[int]) -> list[str]:
    """`<task>/<variation>` with each seed."""
    return [f"{run}/seed{seed}" for seed in seeds]


def table_of_runs(settings: dict[str, Any]) -> pd.DataFrame:
    """The runs that the claims compare, a row a variation of an experiment."""
    rows = {
        (claim.get("experiment"), label): {
            "experiment": claim.get("experiment"),
            "variation": label,
            "runs": runs[0].rpartition("/")[0],
            "seeds": ", ".join(run.rpartition("/seed")[2] for run in runs),
        }
        for claim in claims_of(settings)
        for label, runs in claim.get("runs", {}).items()
    }
    return pd.DataFrame(rows.values(), columns=["experiment", "variation", "runs", "seeds"])


def runs_of(claim: dict) -> set[str]:
    """The runs that a claim may compare."""
    return {run for names in claim.get("runs", {}).values() for run in names}


def judge(
    claims: list[dict],
    measures: Mapping[str, pd.DataFrame],
    scale: str,
    kernels: Mapping[str, Kernel] | None = None,
) -> pd.DataFrame:
    """One row a claim (COLUMNS): the paper's, ours (mean ± sd), verdict, note.

    `measures` gives each run's table in long form, `kernels` the kernel where a claim's measure is derived.
    Raises UserError for a claim that cannot be read.
    """
    rows = []
    for claim in [DEFAULTS | claim for claim in claims]:
        try:
            kind = KINDS[claim["kind"]]
            evidence = gather(claim, kind.Settings.variations_in, measures, kernels or {})
            verdict = kind.judge(claim, evidence, scale)
            rows.append({key: claim[key] for key in ["id", "section", "statement"]} | verdict)
        except (KeyError, UserError) as error:
            reason = error if isinstance(error, UserError) else f"{error} is missing or unknown"
            raise UserError(f"claim {claim.get('id', 'without an id')}: {reason}") from None
    return pd.DataFrame(rows, columns=COLUMNS)


def gather(
    claim: dict, variations_in: str, measures: Mapping[str, pd.DataFrame], kernels: Mapping[str, Kernel]
) -> Evidence:
    """What a claim is judged by, from the results of the runs that it compares."""
    keys = claim[variations_in]
    names = [variation(claim, key) for key in (keys if isinstance(keys, list) else [keys])]
    seeds = {name: numbers(claim, name, measures, kernels) for name in names}
    reads = REDUCTIONS[claim["reduce"]].reads or getattr(derived.module(claim["measure"]), "READS", "")
    reason = incomparable(claim, seeds, measures)
    return Evidence(seeds, pd.DataFrame(seeds).dropna(), reason, reads)


def variation(claim: dict, key: str | int) -> str:
    """The variation of a claim by name or by its position in `runs`."""
    names = list(claim["runs"])
    if key in names:
        return key
    if isinstance(key, int) and 0 <= key < len(names):
        return names[key]
    raise UserError(f"its runs have no variation {key!r}; they are {', '.join(names)}")


def numbers(
    claim: dict, name: str, measures: Mapping[str, pd.DataFrame], kernels: Mapping[str, Kernel]
) -> pd.Series:
    """The claim's number for each run of a variation, by seed; NaN where a run diverged."""
    reduction, phases = REDUCTIONS[claim["reduce"]], Phases(claim["drops"], claim["unit"])
    derivation = derived.module(claim["measure"])
    values = {}
    for run in claim["runs"][name]:
        if derivation:
            value, at = np.array([derivation.derive(kernels[run], phases)]), np.array([np.nan])
        else:
            value, at = along(claim, run, measures[run])
        whole = len(value) and not measures[run].attrs.get("diverged")
        values[run.rpartition("/")[2]] = reduction.number(value, at, phases.drops) if whole else np.nan
    return pd.Series(values, dtype=float)


def along(claim: dict, run: str, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The claim's measure of a run's whole model: values [k], and where they lie, in the claim's unit."""
    measure, unit = claim["measure"], claim["unit"].removesuffix("s")
    table = table[table["group"] == "all"]
    rows = table[table["measure"] == measure].sort_values("index")
    if rows.empty and number_of_points(table) > 2:
        known = ", ".join([*table["measure"].unique(), *derived.names()])
        raise UserError(f"there is no measure '{measure}'; {run} has {known}")
    return tuple(rows[column].to_numpy(float, na_value=np.nan) for column in ["value", unit])


def incomparable(claim: dict, seeds: dict[str, pd.Series], measures: Mapping[str, pd.DataFrame]) -> str:
    """Why these runs cannot be compared, or "": one diverged, unequal n, or a measure without a value."""
    where = {run: measures[run].attrs.get("diverged") for name in seeds for run in claim["runs"][name]}
    if any(where.values()):
        return "; ".join(f"{run} {end}" for run, end in where.items() if end)
    for name, values in seeds.items():
        if values.isna().any():
            return f"{claim['measure']} of {name} is undefined"
    points = {name: {number_of_points(measures[run]) for run in claim["runs"][name]} for name in seeds}
    if len(set.union(*points.values())) > 1:
        counts = "; ".join(f"{name}: {', '.join(map(str, sorted(n)))}" for name, n in points.items())
        return f"trajectories of unequal numbers of points ({counts})"
    return ""


def number_of_points(table: pd.DataFrame) -> int:
    """n, from the whole model's norms."""
    return int(((table["group"] == "all") & (table["measure"] == "norm")).sum())


def summary(table: pd.DataFrame) -> str:
    """`25 claims; holds in all seeds: 19; …`."""
    counts = table["verdict"].value_counts()
    return "; ".join([f"{len(table)} claims", *(f"{v}: {counts[v]}" for v in VERDICTS if v in counts)])
