"""`hallmarks study --settings FILE -o TABLE.csv`: a result that has no trajectory."""

import argparse
from pathlib import Path

from hallmarks.config.load import explain
from hallmarks.config.types import STUDIES
from hallmarks.errors import UserError
from hallmarks.files import write
from hallmarks.runs.request import read_request


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--settings", type=Path, required=True, metavar="FILE", help="JSON that holds the study's settings"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="the .csv to write")


def run(arguments: argparse.Namespace) -> None:
    if arguments.output.suffix != ".csv":
        raise UserError(f"{arguments.output}: the table is written as .csv; name it so")
    request = read_request(arguments.settings)
    settings = request["study"] if isinstance(request.get("study"), dict) else request
    try:
        study = STUDIES.validate({"title": arguments.output.stem, "section": ""} | settings)
    except ValueError as error:
        raise UserError(f"{arguments.settings}: {explain(error)}") from None
    write(arguments.output, study.table().to_csv(index=False))
