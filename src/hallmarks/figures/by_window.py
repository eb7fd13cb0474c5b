"""The table of the study `curvature`, a row a window, and the words for its Hessian."""

from typing import Any

import numpy as np
import pandas as pd


def by_window(curvature: pd.DataFrame) -> pd.DataFrame:
    """A row a run and window: λ₁, λ_k, ηλ₁ and its bound, shares, and how often the sign along v₁ changes."""
    rows = []
    for (run, window), table in curvature.groupby(["run", "window"], sort=False):
        values = {name: found["value"].astype(float) for name, found in table.groupby("measure")}
        ranks = table[table["measure"] == "eigenvalue"].groupby("index")["value"].mean()
        signs = np.sign(values["alignment"].to_numpy())
        rows.append(
            {
                "run": run,
                "steps": f"{window:.0f}–{window + len(signs):.0f}",
                "η": values["stability"].mean() / ranks.iloc[0],
                "λ₁": ranks.iloc[0],
                f"λ_{len(ranks)}": ranks.iloc[-1],
                "ηλ₁": values["stability"].mean(),
                "bound": values["bound"].iloc[0],
                "residual": values["residual"].max(),
                "share of updates": values["share"].mean(),
                "of the displacement": values["share_displacement"].mean(),
                "chance": values["chance"].iloc[0],
                "sign changes": float(np.mean(signs[1:] != signs[:-1])) if len(signs) > 1 else np.nan,
            }
        )
    return pd.DataFrame(rows)


def said_of(study: dict[str, Any]) -> str:
    """Which Hessian it is: batches, seed and precision, as the study's settings say."""
    return (
        f"The Hessian of the mean loss of {study['batches']} training batches, of seed {study['seed']}, "
        f"plus weight decay, in {study['precision']}, at the first point of each window and each "
        f"{study['every']} steps after it: its {study['eigenvalues']} largest eigenvalues."
    )
