"""`hallmarks crate [TARGET…] -o FOLDER`: pack results and what they rest on, for others.

A BagIt bag that is a Workflow Run RO-Crate. Points and data sets are referred to by their digests unless they
are asked for. It refuses while the audit finds anything, or a text names a home folder or a secret.
"""

import argparse
import re
import shlex
import sys
from pathlib import Path

from hallmarks.commands.audit import audited, configure_folder
from hallmarks.errors import UserError
from hallmarks.provenance.bag import left_out, pack
from hallmarks.provenance.packing import BY_VALUE, contents_of, private
from hallmarks.provenance.scrub import clean
from hallmarks.provenance.targets import find_targets
from hallmarks.provenance.tree import last_line, remarks


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "targets", metavar="TARGET", nargs="*", help="fig12, claims, a run's name, …; else all"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="the folder to make")
    configure_folder(parser)
    parser.add_argument(
        "--by-value",
        choices=BY_VALUE,
        action="append",
        default=[],
        help="pack points with states, or data sets, too; may be given twice",
    )
    parser.add_argument("--url", help="where what is referred to may be had: the folder of these results")
    parser.add_argument("--license", default="MIT", help="of the results: a name of SPDX's, or an address")
    parser.add_argument(
        "--despite-findings", action="store_true", help="pack what the audit finds fault with"
    )


def run(arguments: argparse.Namespace) -> int:
    target = arguments.output
    audit = audited(arguments)
    if audit.empty:
        raise UserError(f"{audit.results}: nothing was recorded here")
    if not re.fullmatch(r"[\w.+-]+|https?://\S+", arguments.license):
        raise UserError(
            f"--license {arguments.license}: one of SPDX's names, such as CC-BY-4.0, or an address"
        )
    if target.resolve().is_relative_to(audit.results.resolve()):
        raise UserError(f"-o {target}: lies in the results themselves; name a folder elsewhere")
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise UserError(f"-o {target}: is there already, and not empty; name another folder")
    audit.walk(find_targets(audit, arguments.targets), whole=True)
    contents = contents_of(audit, arguments.by_value)
    hidden = private(contents)
    said = [clean(line) for line in remarks(audit, colour=False)]
    for node in audit.extra:  # a picture from anywhere
        said = [line.replace(clean(node.name), Path(node.name).name) for line in said]
    said += [f"{path}  private: it names a home folder or a secret" for path in hidden]
    found = hidden or any(node.finding for node in audit.nodes.values())
    if found and not arguments.despite_findings:
        print("\n".join([*said, last_line(audit)]), file=sys.stderr)
        told = "hallmarks crate: nothing is packed while something is found (--despite-findings)"
        print(told, file=sys.stderr)
        return 1
    pack(contents, target, arguments.license, arguments.url, said)
    size = sum(held.bytes for held in contents.files.values()) / 1e6
    print(f"packed: {target}, {contents.what}: {len(contents.files)} files, {size:.1f} MB")
    print("\n".join(f"left out: {each}" for each in left_out(contents)))
    print(f"check: bagit.py --validate {shlex.quote(str(target))}")
    return 0
