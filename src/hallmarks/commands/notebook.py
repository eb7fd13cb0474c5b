"""`hallmarks notebook NOTEBOOK.ipynb --settings FILE.json --stem results/figures/fig12 -o OUT.ipynb`."""

import argparse
from pathlib import Path

from hallmarks.notebook import run_notebook
from hallmarks.settings import read_settings


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("notebook", type=Path, help="the notebook, with a cell tagged `parameters`")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the executed notebook")
    parser.add_argument("--settings", type=Path, required=True, help="what it shows: results/settings/….json")
    parser.add_argument(
        "--stem", type=Path, required=True, help="the figure or table without suffix: .pdf, .png, .csv, .html"
    )


def run(arguments: argparse.Namespace) -> None:
    read_settings(arguments.settings)
    run_notebook(arguments.notebook, arguments.output, arguments.settings, arguments.stem)
