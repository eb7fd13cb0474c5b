"""A seal: the SHA-256 of every result and record in one list, signed, for `sha256sum` and `ssh-keygen`."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from hallmarks.errors import UserError
from hallmarks.files import make_folder, write
from hallmarks.provenance.ledger import Ledger
from hallmarks.provenance.store import FOLDER
from hallmarks.provenance.there import There

NAMESPACE = "hallmarks-results"
MANIFEST = "MANIFEST.sha256"


# Beside the results, and what readers see of them.
READ = ("report.html", "numbers.json", "numbers.tex")


def sealed_files(results: Path) -> list[str]:
    """What a seal covers: every file of a result, the report and the numbers, and all of the provenance but
    the seals."""
    there = There(results)
    there.follow(Ledger.read(results).by_path)
    found = there.files() + [name for name in READ if (results / name).is_file()]
    for folder, folders, names in os.walk(results / FOLDER):
        below = Path(os.path.relpath(folder, results))
        folders[:] = [name for name in folders if (below / name).as_posix() != f"{FOLDER}/seal"]
        names += [name for name in folders if Path(folder, name).is_symlink()]  # is not walked into
        found += [(below / name).as_posix() for name in names if name[0] != "."]
    return sorted(found)


def manifest(results: Path) -> str:
    """The list as `sha256sum` writes it, to be checked from the folder of results. Raises UserError."""
    there, names = There(results), sealed_files(results)
    if odd := next((name for name in names if not listable(name)), None):
        raise UserError(f"{results / odd!r}: a name that no list of sha256sum holds plainly; rename it")
    there.hash(names)
    if unread := next((name for name in names if there.digests[name] is None), None):
        raise UserError(f"{results / unread}: cannot be read, and so not sealed")
    return "".join(f"{there.digests[name]}  {name}\n" for name in names)


def listable(name: str) -> bool:
    """Whether sha256sum writes a name as it is."""
    return not set("\n\r\\") & set(name) and not any("\ud800" <= letter <= "\udfff" for letter in name)


def seal(results: Path, key: Path) -> Path:
    """Write the list, and its signature by an SSH key, into a folder of their own. Raises UserError."""
    program()
    if not key.is_file():
        raise UserError(f"--key {key}: no such SSH key; `ssh-keygen -t ed25519` makes one")
    text = manifest(results)
    folder = results / FOLDER / "seal" / hashlib.sha256(text.encode()).hexdigest()
    path = make_folder(folder) / MANIFEST
    write(path, text)
    path.with_name(f"{MANIFEST}.sig").unlink(missing_ok=True)  # ssh-keygen would ask whether to replace it
    signed = ssh_keygen("-Y", "sign", "-f", str(key), "-n", NAMESPACE, str(path))
    if signed.returncode:
        path.unlink()
        folder.rmdir()
        raise UserError(f"--key {key}: cannot sign ({last(signed.stderr)})")
    return path


def broken_seal(results: Path, signers: Path) -> tuple[str, list[str]]:
    """By whom a seal is that holds, and nothing; else by whom the newest is, and what is wrong with it.

    Raises UserError.
    """
    program()
    if not signers.is_file():
        raise UserError(f"--verify-signature {signers}: no such file of allowed signers")
    lists = sorted((results / FOLDER / "seal").glob(f"*/{MANIFEST}"), key=lambda path: path.stat().st_mtime)
    if not lists:
        raise UserError(f"{results}: is not sealed; `hallmarks seal` does it")
    found = [compared(results, path, signers) for path in reversed(lists)]
    # A copy has lost the times by which the newest is known.
    return next(((name, wrong) for name, wrong in found if not wrong), found[0])


def compared(results: Path, path: Path, signers: Path) -> tuple[str, list[str]]:
    """By whom one seal is, and what is wrong with it."""
    data, signature = path.read_bytes(), path.with_name(f"{MANIFEST}.sig")
    known = ssh_keygen("-Y", "find-principals", "-s", str(signature), "-f", str(signers))
    name = (
        known.stdout.decode().strip().splitlines()[0]
        if known.returncode == 0 and known.stdout.strip()
        else ""
    )
    if not name:
        return "", [f"{path}: signed by nobody whom {signers} names"]
    verify = ["-Y", "verify", "-f", str(signers), "-I", name, "-n", NAMESPACE, "-s", str(signature)]
    verified = ssh_keygen(*verify, given=data)
    if verified.returncode:
        return name, [
            f"{path}: the signature of {name} does not hold ({last(verified.stderr or verified.stdout)})"
        ]
    return name, differences(results, data.decode())


def differences(results: Path, listed: str) -> list[str]:
    """What is not as a list says."""
    wanted = {name: digest for digest, name in (line.split("  ", 1) for line in listed.splitlines())}
    there = There(results)
    there.hash(wanted)
    said = []
    for name, digest in wanted.items():
        found = there.digests[name]
        if found != digest:
            said.append(f"{name}: {'altered' if found else 'not there'} since it was sealed")
    return said + [
        f"{name}: added since it was sealed" for name in sealed_files(results) if name not in wanted
    ]


def program() -> None:
    if shutil.which("ssh-keygen") is None:
        raise UserError("ssh-keygen is not installed; it comes with OpenSSH")


def ssh_keygen(*words: str, given: bytes = b"") -> subprocess.CompletedProcess:
    return subprocess.run(["ssh-keygen", *words], input=given, capture_output=True)


def last(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it does not say why"
