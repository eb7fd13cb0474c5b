"""`hallmarks claims --settings FILE.json -o CLAIMS.csv`: a table, and a web page beside it."""

import argparse
from pathlib import Path

from hallmarks.claims.judging import judge_all, summary, table_of
from hallmarks.claims.rendering import render_claims
from hallmarks.claims.verdicts import NOT
from hallmarks.errors import UserError
from hallmarks.page import write_table
from hallmarks.settings import read_settings


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--settings", required=True, help="results/settings/tables/claims.json")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the .csv; .html lies beside it")
    parser.add_argument("--strict", action="store_true", help="exit 1 if a claim does not hold")


def run(arguments: argparse.Namespace) -> int:
    if arguments.output.suffix != ".csv":
        raise UserError(f"{arguments.output}: the table is written as .csv; name it so")
    settings = read_settings(arguments.settings)
    judged = judge_all(settings)
    write_table(arguments.output.with_suffix(""), table_of(judged), render_claims(judged, settings))
    print(summary(judged))
    failed = [each.claim["id"] for each in judged if each.verdict == NOT]
    for claim in failed:
        print(f"{NOT}: {claim}")
    return int(arguments.strict and len(failed) > 0)
