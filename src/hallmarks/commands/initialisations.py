"""`hallmarks initialisations --model JSON --seeds 0 1 … -o TABLE.csv`: a table, and a web page beside it."""

import argparse
from pathlib import Path

import pandas as pd
from pydantic import ValidationError

from hallmarks.config.types import Model
from hallmarks.errors import UserError
from hallmarks.page import page, write_table


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="JSON", required=True, help="name and width, as in the config")
    parser.add_argument("--channels", type=int, default=3, help="of the images")
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument(
        "--seeds", type=int, nargs="+", required=True, help="two at least; every pair is shown"
    )
    parser.add_argument("--paper", type=float, help="the paper's number, shown beside ours")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the .csv; .html lies beside it")


def run(arguments: argparse.Namespace) -> None:
    try:
        model = Model.model_validate_json(arguments.model)
    except ValidationError as error:
        raise UserError(f"--model: {error.errors()[0]['msg']}") from None
    if arguments.output.suffix != ".csv":
        raise UserError(f"{arguments.output}: the table is written as .csv; name it so")
    if len(set(arguments.seeds)) < 2:
        raise UserError("--seeds: two different seeds at least, since a cosine is of two initialisations")

    from hallmarks.models.initialisations import initial_cosines

    cosines = initial_cosines(model, arguments.channels, arguments.classes, sorted(set(arguments.seeds)))
    rows = [(f"{a} and {b}", cosine, arguments.paper) for (a, b), cosine in cosines.items()]
    rows.append(("mean", sum(cosines.values()) / len(cosines), arguments.paper))
    table = pd.DataFrame(rows, columns=["seeds", "cosine", "paper"])
    shown = table.to_html(index=False, float_format="{:.4f}".format, border=0)
    content = page(f"Cosine of two random initialisations of {model.name}", shown)
    write_table(arguments.output.with_suffix(""), table, content)
