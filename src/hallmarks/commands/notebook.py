"""`hallmarks notebook NOTEBOOK.ipynb -o OUT.ipynb --figure results/figures/fig12 --parameters JSON`."""

import argparse
import json
from pathlib import Path

from hallmarks.errors import UserError
from hallmarks.notebook import run_notebook


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("notebook", type=Path, help="the notebook, with a cell tagged `parameters`")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the executed notebook")
    parser.add_argument(
        "--figure", type=Path, required=True, help="the figure without suffix: .pdf, .png, .csv"
    )
    parser.add_argument("--parameters", default="{}", help="JSON: scale, results, panels, options")


def run(arguments: argparse.Namespace) -> None:
    try:
        parameters = json.loads(arguments.parameters)
    except json.JSONDecodeError as error:
        raise UserError(f"--parameters: not JSON ({error})") from None
    if not isinstance(parameters, dict):
        raise UserError('--parameters: must be a JSON object such as {"scale": "laptop"}')
    run_notebook(arguments.notebook, arguments.output, arguments.figure, parameters)
