"""Judges the claims of a table from results: those of order at any scale, numbers at the paper's own.

A claim is a dictionary, as its table's settings hold it: the fields of its kind, with variations by label,
and `id`, `runs` (label → its runs, one a seed), and `drops` of the learning rate in `unit`s.
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from hallmarks.claims.gathering import gather
from hallmarks.claims.readings import Readings
from hallmarks.claims.verdicts import VERDICTS, Evidence
from hallmarks.config.registry import Registry
from hallmarks.errors import UserError

KINDS = Registry("hallmarks.claims.kinds", "kind of claim", "kind")
DEFAULTS = {"measure": "mds", "reduce": "value", "unit": "epochs", "drops": []}
COLUMNS = ["id", "section", "statement", "paper", "ours", "verdict", "note"]


@dataclass(frozen=True)
class Judged:
    """A claim, what it was judged by, and the verdict: the paper's side and ours as text, and a note."""

    claim: dict
    evidence: Evidence
    paper: str
    ours: str
    verdict: str
    note: str


def judge_all(settings: dict[str, Any]) -> list[Judged]:
    """The claims of a table's settings, judged. Raises UserError, as where results are missing."""
    return judge(claims_of(settings), Readings(settings["results"]), settings["scale"])


def judge(claims: list[dict], readings: Readings, scale: str) -> list[Judged]:
    """Each claim with its verdict. Raises UserError for a claim that cannot be read."""
    judged = []
    for claim in [DEFAULTS | claim for claim in claims]:
        try:
            kind = KINDS[claim["kind"]]
            evidence = gather(claim, kind.Settings.variations_in, readings)
            judged.append(Judged(claim, evidence, **kind.judge(claim, evidence, scale)))
        except (KeyError, UserError) as error:
            reason = error if isinstance(error, UserError) else f"{error} is missing or unknown"
            raise UserError(f"claim {claim.get('id', 'without an id')}: {reason}") from None
    return judged


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


def table_of(judged: list[Judged]) -> pd.DataFrame:
    """One row a claim (COLUMNS): the paper's, ours (mean ± sd), verdict, note."""
    rows = [
        [each.claim["id"], each.claim["section"], each.claim["statement"]]
        + [each.paper, each.ours, each.verdict, each.note]
        for each in judged
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


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


def summary(judged: list[Judged]) -> str:
    """`25 claims; holds in all seeds: 19; …`."""
    verdicts = [each.verdict for each in judged]
    counts = [f"{verdict}: {verdicts.count(verdict)}" for verdict in VERDICTS if verdict in verdicts]
    return "; ".join([f"{len(judged)} claims", *counts])
