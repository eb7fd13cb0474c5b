"""`hallmarks study --settings FILE -o TABLE.csv`: a table computed of nothing, or of finished runs."""

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from hallmarks.config.load import explain
from hallmarks.config.types import STUDIES, TASKS
from hallmarks.errors import UserError
from hallmarks.files import write
from hallmarks.runs.request import read_request
from hallmarks.runs.study import FinishedRun, StudyOfRuns


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--settings", type=Path, required=True, metavar="FILE", help="JSON that holds the study's settings"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="the .csv to write")
    parser.add_argument(
        "--device", help="of a study of runs: cpu, cuda, …; by default a GPU where there is one"
    )
    parser.add_argument("--threads", type=int, help="by default OMP_NUM_THREADS, else every core")


def run(arguments: argparse.Namespace) -> None:
    if arguments.output.suffix != ".csv":
        raise UserError(f"{arguments.output}: the table is written as .csv; name it so")
    request = read_request(arguments.settings)
    settings = request["study"] if isinstance(request.get("study"), dict) else request
    try:
        study = STUDIES.validate({"title": arguments.output.stem, "section": ""} | settings)
    except ValueError as error:
        raise UserError(f"{arguments.settings}: {explain(error)}") from None
    if isinstance(study, StudyOfRuns):
        from hallmarks.commands.train import device_of

        device = partial(device_of, arguments.device, arguments.threads)
        table = study.table(finished_runs(request, arguments.settings), device)
    else:
        table = study.table()
    write(arguments.output, table.to_csv(index=False))


def finished_runs(request: dict[str, Any], path: Path) -> list[FinishedRun]:
    """The runs that a settings file gives, by name with their settings. Raises UserError."""
    if not isinstance(request.get("runs"), dict) or "results" not in request:
        raise UserError(
            f'{path}: this study looks at runs; give {{"results": …, "runs": {{NAME: settings}}}}'
        )
    results = Path(request["results"])
    runs = []
    for name, content in request["runs"].items():
        try:
            settings = TASKS.validate(content)
        except ValueError as error:
            raise UserError(f"{path}: runs.{name}: {explain(error)}") from None
        data = next((results / "data" / each for each in settings.data_sets()), None)
        runs.append(FinishedRun(name, settings, results / "runs" / name / "trajectory", data))
    return runs
