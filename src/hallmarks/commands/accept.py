"""`hallmarks accept TARGET… --why "…" --profile PROFILE`: results made by other code, settings or data stand.

Nothing is made again; the reason is kept beside each result. A target is a figure, a table, a run, a stage
such as `train_all`, or a file; what it rests on is accepted with it, states of unfinished runs included:
`--dry-run` says first what that would be.
"""

import argparse

from hallmarks.commands import add_profile
from hallmarks.errors import UserError


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "targets", metavar="TARGET", nargs="+", help="fig12, claims, a run's name, train_all, …"
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--why", help="the reason, for whoever audits the result")
    what.add_argument(
        "-n", "--dry-run", action="store_true", help="say what would be accepted, and why not yet"
    )
    add_profile(parser)


def run(arguments: argparse.Namespace) -> None:
    from hallmarks.planning.profile import open_profile
    from hallmarks.workflow.accepting import accept_result, accept_states
    from hallmarks.workflow.targets import results_behind

    if not (arguments.dry_run or arguments.why.strip()):
        raise UserError("--why: say why the results stand; whoever audits them will ask")
    results = open_profile(arguments.profile, arguments.configfile).results
    count = 0
    for result in results_behind(results, arguments.targets):
        for said in [
            accept_result(results, result, arguments.why),
            *accept_states(results, result, arguments.why),
        ]:
            if said:
                print(said)
                count += 1
    accepted = "would be accepted" if arguments.dry_run else "accepted"
    print(f"{count} {accepted}" if count else "nothing to accept: all of it is current, or not there")
