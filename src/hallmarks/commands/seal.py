"""`hallmarks seal --key FILE`: list every result and record with its SHA-256, and sign the list.

It refuses while the audit finds anything. `sha256sum -c` and `ssh-keygen -Y verify` are all that a stranger
needs.
"""

import argparse
import shlex
import sys
from pathlib import Path

from hallmarks.commands.audit import audited, configure_folder
from hallmarks.provenance.numbers import check_numbers
from hallmarks.provenance.seal import NAMESPACE, seal
from hallmarks.provenance.targets import find_targets
from hallmarks.provenance.tree import last_line, remarks


def configure(parser: argparse.ArgumentParser) -> None:
    configure_folder(parser)
    parser.add_argument("--key", type=Path, required=True, help="the SSH key that signs: ~/.ssh/id_ed25519")


def run(arguments: argparse.Namespace) -> int:
    audit = audited(arguments)
    if not audit.empty:
        audit.walk(find_targets(audit, []), whole=True)
        check_numbers(audit)
    if audit.empty or any(node.finding for node in audit.nodes.values()):
        print("\n".join([*remarks(audit, colour=False), last_line(audit)]), file=sys.stderr)
        print("hallmarks seal: nothing is sealed while the audit finds something", file=sys.stderr)
        return 1
    path = seal(audit.results, arguments.key)
    where = path.relative_to(audit.results)
    print(f"sealed: {path}, {len(path.read_text().splitlines())} files")
    print(f"check: cd {shlex.quote(str(audit.results))} && sha256sum --quiet -c {where}")
    print(f"by whom: ssh-keygen -Y verify -f ALLOWED_SIGNERS -I NAME -n {NAMESPACE} -s {where}.sig < {where}")
    return 0
