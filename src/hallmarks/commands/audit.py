"""`hallmarks audit [TARGET…]`: where results came from, whether they are as they were made, and stale or not.

A target is a figure, a table, a run, a file of a result, or a picture alone, from wherever it came. Without
one, all results are audited.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hallmarks.commands import add_profile
from hallmarks.errors import UserError
from hallmarks.files import write
from hallmarks.provenance.words import legend

if TYPE_CHECKING:
    from hallmarks.provenance.audit import Audit

VERDICTS = f"""verdicts:
{legend()}

Exit status: 0 nothing found, or notes only; 1 a finding; 2 it cannot audit."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = VERDICTS
    parser.add_argument(
        "targets", metavar="TARGET", nargs="*", help="fig12, claims, a run's name, a file, a picture"
    )
    configure_folder(parser)
    parser.add_argument("--row", metavar="ID", help="of a table of claims: one claim, and what it rests on")
    parser.add_argument("--quick", action="store_true", help="compare sizes, hash nothing: says so")
    parser.add_argument("--json", action="store_true", help="every verdict, for programs")
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="write a page with the graph, for any browser"
    )
    parser.add_argument(
        "--numbers",
        type=Path,
        metavar="FILE.json",
        help="write every number with its records; macros beside it",
    )
    parser.add_argument("--summary", action="store_true", help="one line alone")
    parser.add_argument(
        "--verify-signature",
        type=Path,
        metavar="SIGNERS",
        help="is the newest seal by one of these, and whole?",
    )

    parser.add_argument("--checklist", action="store_true", help="what reviewers ask, answered")
    parser.add_argument("--against", type=Path, metavar="RESULTS", help="compare with another reproduction")
    parser.add_argument(
        "--rederive",
        action="store_true",
        help="make kernels, measures, studies, figures and tables again, and compare: identical, within "
        "rounding (1e-10 of a kernel, 1e-9 of measures and studies, 1e-7 of figures and tables, 1e-3 of what "
        "torch trains; docs/audit.md says of what), or different",
    )
    parser.add_argument(
        "--retrain",
        metavar="RUN",
        action="append",
        default=[],
        help="train a run again from its seed, and compare: identical, within 1e-3, or different",
    )


def configure_folder(parser: argparse.ArgumentParser) -> None:
    """Which results, and what they are compared with."""
    parser.add_argument("--results", type=Path, help="the folder of results; by default the profile's")
    add_profile(parser, default=None)
    parser.add_argument(
        "--no-checkout", action="store_true", help="compare with no workflow, even if one is here"
    )


def run(arguments: argparse.Namespace) -> int:
    from hallmarks.provenance.audit import as_json
    from hallmarks.provenance.numbers import NAME as NUMBERS
    from hallmarks.provenance.numbers import check_numbers, write_numbers
    from hallmarks.provenance.page import audit_page
    from hallmarks.provenance.report import NAME as REPORT
    from hallmarks.provenance.seal import broken_seal
    from hallmarks.provenance.targets import find_targets
    from hallmarks.provenance.tree import last_line, remarks, tree

    audit = audited(arguments)
    runs = [f"runs/{run.removeprefix('runs/')}" for run in arguments.retrain]
    roots = find_targets(audit, arguments.targets or (runs if not arguments.rederive else []), arguments.row)
    some = bool(arguments.targets or arguments.row or (runs and not arguments.rederive))
    if not audit.empty:
        audit.walk(roots, whole=not some)
    signed, unsealed = "", []
    if arguments.verify_signature:
        signed, unsealed = broken_seal(audit.results, arguments.verify_signature)
    if arguments.against or arguments.checklist:
        return asked(audit, arguments)
    if arguments.numbers:
        print(f"{arguments.numbers}: {write_numbers(audit, arguments.numbers)} numbers", file=sys.stderr)
    check_numbers(audit)
    colour = sys.stdout.isatty()
    if arguments.html:
        write(arguments.html, audit_page(audit, roots, last_line(audit)))
    if arguments.json:
        seal = {"seal": {"by": signed, "broken": unsealed}} if arguments.verify_signature else {}
        text = json.dumps(as_json(audit) | seal, indent=1, ensure_ascii=False)
        print(text.encode(errors="backslashreplace").decode())  # a file's name that is no text
    else:
        if not arguments.summary and not audit.empty:
            of_some = some and not {REPORT, NUMBERS} & {*roots}  # which are above nearly all
            shown = tree(audit, roots, colour) if of_some else "\n".join(remarks(audit, colour))
            print(shown or "every byte is as it was recorded")
        for said in unsealed:
            print(f"seal broken: {said}")
        if arguments.verify_signature and not unsealed:
            print(f"seal: whole, by {signed}")
        print(last_line(audit))
    found = bool(unsealed) or audit.empty or any(node.finding for node in audit.nodes.values())
    return int(made_again(audit, arguments) or found)


def asked(audit: "Audit", arguments: argparse.Namespace) -> int:
    """Answer what is asked of the records, in place of verdicts. Raises UserError."""
    from hallmarks.provenance.against import against
    from hallmarks.provenance.checklist import checklist
    from hallmarks.provenance.ledger import Ledger

    if audit.empty:
        raise UserError(f"{audit.results}: nothing was recorded here")
    if arguments.checklist:
        print(checklist(audit))
    if arguments.against:
        other = Ledger.read(arguments.against)
        if not other.records:
            raise UserError(f"--against {arguments.against}: nothing was recorded there")
        print("\n".join(against(audit.ledger, other)))
    return 0


def made_again(audit: "Audit", arguments: argparse.Namespace) -> bool:
    """Make again what is asked for, and say of each what came of it; whether anything is different."""
    if audit.empty or not (arguments.rederive or arguments.retrain):
        return False
    from hallmarks.provenance.rederive import counted, rederive, retrain

    def tell(outcome: object) -> None:
        print(outcome, file=sys.stderr if arguments.json else sys.stdout, flush=True)

    outcomes = rederive(audit, tell) if arguments.rederive else []
    for run in arguments.retrain:
        outcomes.append(retrain(audit, run.removeprefix("runs/")))
        tell(outcomes[-1])
    tell(counted(outcomes))
    return any(outcome.finding for outcome in outcomes)


def audited(arguments: argparse.Namespace) -> "Audit":
    """The folder's records, and what the checkout says of them; nothing is judged yet. Raises UserError."""
    from hallmarks.provenance.audit import Audit

    results = workflow_of(arguments)
    folder = arguments.results or (results.folder if results else None)
    if folder is None:
        raise UserError(
            "name the folder of results, --results FOLDER: there is no workflow here that says it"
        )
    if not folder.is_dir():
        raise UserError(f"{folder}: no folder of results")
    audit = Audit(folder, quick=getattr(arguments, "quick", False))
    if results and not audit.empty:
        from hallmarks.workflow.standing import standing

        audit.standing = standing(results, audit.ledger)
    return audit


def workflow_of(arguments: argparse.Namespace) -> Any:
    """The results of the workflow to compare with; None where there is none, or none is wanted."""
    if arguments.no_checkout:
        return None
    here = any(Path(name).exists() for name in ("Snakefile", "config.yaml"))
    if not here and arguments.profile is None:
        return None
    from hallmarks.planning.profile import open_profile
    from hallmarks.workflow.results import Results

    results = open_profile(arguments.profile or "laptop", arguments.configfile).results
    return Results(results.paper, results.root, arguments.results) if arguments.results else results
