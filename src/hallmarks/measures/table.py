"""All measures of a kernel as one table: the Parquet file of the results, in long form."""

from typing import TYPE_CHECKING

import numpy as np

from hallmarks.kernel.file import Kernel
from hallmarks.measures.angles import angles
from hallmarks.measures.maps import mean_directional_similarity, relative_mean_directional_similarity
from hallmarks.measures.norms import norms
from hallmarks.measures.rounding import HALF_PRECISION, angle_updates_noise
from hallmarks.measures.spectra import spectra

if TYPE_CHECKING:
    import pandas as pd


def measure(kernel: Kernel, run: str) -> "pd.DataFrame":
    """All measures in long form: run, group, measure, index, step, epoch, value.

    `step` and `epoch` are those of point `index`, null where the index is a rank or null, or where they are
    not known. Of the table's attributes, kept in Parquet's metadata, `diverged` says where a run ended early,
    else "", and `missing` the steps of points that are not there.
    """
    import pandas as pd

    nowhere = np.array([np.nan])
    columns = {name: [] for name in ["group", "measure", "index", "step", "epoch", "value"]}
    for group in ["all", *kernel.groups]:
        single = {"mds": mean_directional_similarity(kernel, group)}
        if len(kernel.step) > 1:
            single["mds_relative"] = relative_mean_directional_similarity(kernel, group)
        along = angles(kernel, group) | norms(kernel, group)
        if kernel.storage in HALF_PRECISION:
            along["angle_updates_noise"] = angle_updates_noise(kernel, group)
        ranked = {name: (nowhere, np.array([value])) for name, value in single.items()}
        ranked |= spectra(kernel, group)
        for name, (index, value) in (ranked | along).items():
            columns["group"].append(np.full(len(value), group, object))
            columns["measure"].append(np.full(len(value), name, object))
            columns["index"].append(index)
            told = name in along and kernel.unit in {"step", "number"}
            columns["step"].append(kernel.step[index] if told else np.full(len(value), np.nan))
            columns["epoch"].append(kernel.epoch[index] if name in along else np.full(len(value), np.nan))
            columns["value"].append(value)
    table = pd.DataFrame({name: np.concatenate(parts) for name, parts in columns.items()})
    table.insert(0, "run", run)
    table.attrs |= {"diverged": kernel.diverged, "missing": list(kernel.missing)}
    return table.astype({"run": str, "group": str, "measure": str, "index": "Int64", "step": "Int64"})
