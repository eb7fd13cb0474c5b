"""`hallmarks hub check ADDRESS`: what the hub has of a published trajectory, and what is wrong with it.

No weight is read. Exit status 1 where something is wrong: equal weights under different steps, or a lock that
is no longer what the hub has.
"""

import argparse
from pathlib import Path

from hallmarks.errors import UserError
from hallmarks.trajectory.hub.address import parse_address
from hallmarks.trajectory.hub.lock import Lock

ADDRESS = "hf://org/model@step0,step8; @step*:4 is every 4th so named; #folder/ its folders"


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    check = actions.add_parser("check", help="compare the weights of all revisions by their digests")
    check.add_argument("address", help=ADDRESS)
    check.add_argument(
        "--lock",
        type=Path,
        metavar="FILE",
        help="by which the same bytes are read later: written, or compared where it is there",
    )
    check.add_argument("--weights", metavar="NAME", help="the file of weights, such as pytorch_model.bin")
    check.add_argument("--as-given", action="store_true", help="keep the order in which revisions are listed")


def run(arguments: argparse.Namespace) -> int:
    from hallmarks.trajectory.hub.check import compared, differing
    from hallmarks.trajectory.hub.listing import Hub
    from hallmarks.trajectory.hub.revisions import look_up

    hub, address, path = Hub(), parse_address(arguments.address), arguments.lock
    held = Lock.read(path) if path and path.exists() else None
    if held and held.address != str(address):
        raise UserError(f"{path}: the lock of {held.address}, not of {address}; give another file")
    lock = held or look_up(address, hub, arguments.as_given)
    said, found = compared(lock, arguments.weights)
    if held:
        found += differing(held, hub)
    elif path:
        lock.write(path)
    for line in said:
        print(line)
    for line in found:
        print(f"wrong: {line}")
    if path:
        print(f"{path}: {'as it was' if held else 'written'}, SHA-256 {lock.sha256}")
    return 1 if found else 0
