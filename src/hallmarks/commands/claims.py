"""`hallmarks claims --settings JSON --measures FOLDER -o CLAIMS.csv`: a table, and a web page beside it."""

import argparse
import json
from pathlib import Path

import pandas as pd

from hallmarks.claims import FROM_KERNEL, NOT, judge, render, summary, with_kernel
from hallmarks.errors import UserError
from hallmarks.files import write
from hallmarks.measures import Kernel


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--settings", required=True, help='{"scale": …, "claims": […]}, or the file with it')
    parser.add_argument("--measures", type=Path, required=True, help="the folder with RUN.parquet")
    parser.add_argument(
        "--kernels", type=Path, help="the folder with RUN.npz, for claims that measures cannot tell"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="the .csv; .html lies beside it")
    parser.add_argument("--strict", action="store_true", help="exit 1 if a claim does not hold")


def run(arguments: argparse.Namespace) -> int:
    if arguments.output.suffix != ".csv":
        raise UserError(f"{arguments.output}: the table is written as .csv; name it so")
    settings = read_settings(arguments.settings)
    claims, scale = settings["claims"], str(settings["scale"])
    measures = {
        run: read_measures(arguments.measures, run) for run in sorted(set().union(*map(runs_of, claims)))
    }
    for claim in claims:
        if claim.get("measure") in FROM_KERNEL:
            if arguments.kernels is None:
                raise UserError(
                    f"claim {claim.get('id')}: {claim['measure']} needs the kernels; give --kernels"
                )
            for run in runs_of(claim):
                kernel = Kernel.load(arguments.kernels / f"{run}.npz")
                measures[run] = with_kernel(measures[run], kernel, claim)
    table = judge(claims, measures, scale)
    write(arguments.output.with_suffix(".html"), render(table, scale).encode())
    write(arguments.output, table.to_csv(index=False).encode())
    print(summary(table))
    failed = table.loc[table["verdict"] == NOT, "id"]
    for claim in failed:
        print(f"{NOT}: {claim}")
    return int(arguments.strict and len(failed) > 0)


def runs_of(claim: dict) -> set[str]:
    """The runs that a claim compares."""
    return {run for names in claim.get("runs", {}).values() for run in names}


def read_settings(text: str) -> dict:
    """The JSON itself, or that of a file. Raises UserError where it does not hold a scale and claims.

    A claim with `seeds` names <task>/<variation> in `runs`; it is told its runs.
    """
    source = "--settings"
    if not text.lstrip().startswith("{"):
        source, path = text, Path(text)
        try:
            text = path.read_text()
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        settings = json.loads(text)
        if isinstance(settings["claims"], list) and settings["scale"]:
            for claim in settings["claims"]:
                if "seeds" in claim:
                    claim["runs"] = {
                        label: [f"{run}/seed{seed}" for seed in claim["seeds"]]
                        for label, run in claim["runs"].items()
                    }
            return settings
    except (ValueError, KeyError, TypeError):
        pass
    raise UserError(f'{source}: not the JSON of claims; it is {{"scale": "paper", "claims": [{{…}}, …]}}')


def read_measures(folder: Path, run: str) -> pd.DataFrame:
    """The measures of a run's whole model. Raises UserError where its table is missing or damaged."""
    path = folder / f"{run}.parquet"
    columns = ["group", "measure", "index", "step", "epoch", "value"]
    try:
        return pd.read_parquet(path, columns=columns, filters=[("group", "==", "all")])
    except FileNotFoundError:
        raise UserError(f"{path}: not there; hallmarks measure makes it from the run's kernel") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not a table of measures ({str(error).splitlines()[0]})") from None
