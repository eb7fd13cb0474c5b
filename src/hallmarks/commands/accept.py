"""`hallmarks accept TARGET… --why "…" --profile PROFILE`: results made by other code, settings or data stand.

Nothing is made again; the reason is kept beside each result. A target is a figure, a table, a run, a stage
such as `train_all`, or a file; what it rests on is accepted with it, states of unfinished runs included.
"""

import argparse

from hallmarks.commands import add_profile
from hallmarks.errors import UserError


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "targets", metavar="TARGET", nargs="+", help="fig12, claims, a run's name, train_all, …"
    )
    parser.add_argument("--why", required=True, help="the reason, for whoever audits the result")
    add_profile(parser)


def run(arguments: argparse.Namespace) -> None:
    from hallmarks.planning.profile import open_profile
    from hallmarks.workflow.accepting import accept_result, accept_states
    from hallmarks.workflow.targets import results_behind

    if not arguments.why.strip():
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
    print(f"{count} accepted" if count else "nothing to accept: all of it is current, or not there")
