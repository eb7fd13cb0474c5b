"""Packs a crate: a BagIt bag of its files, their description, and a page that says what it is."""

import logging
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import bagit

from hallmarks.errors import UserError
from hallmarks.files import copy_file, make_folder, move_into_place, write
from hallmarks.machine import cores
from hallmarks.provenance.crate import describe
from hallmarks.provenance.packing import CODE, README, RESULTS, Contents, kind
from hallmarks.provenance.there import REFERENCES


def pack(contents: Contents, target: Path, license: str, url: str | None, remarks: list[str]) -> None:
    """Write the bag beside its place, and move it there whole. Raises UserError."""
    logging.getLogger("bagit").setLevel(logging.CRITICAL + 1)  # it tells of an error by a traceback
    pages = {README: readme(contents, license, remarks)}
    if contents.referenced:
        listed = sorted(
            (path.removeprefix(f"{RESULTS}/"), held) for path, held in contents.referenced.items()
        )
        pages[f"{RESULTS}/{REFERENCES}"] = "".join(f"{held.sha256}  {path}\n" for path, held in listed)
    about = {"External-Description": f"{contents.what}; left out: {'; '.join(left_out(contents))}"}
    about |= {"Bag-Software-Agent": f"hallmarks {version('hallmarks')}, bagit {bagit.VERSION}"}
    make_folder(target.parent)
    try:
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder:
            bag = Path(folder, "bag")
            copy(contents, bag)
            for path, text in pages.items():
                write(bag / path, text)
            describe(contents, pages, license, url).metadata.write(bag)
            bagit.make_bag(str(bag), about, checksums=["sha256"])
            move_into_place(bag, target)
    except (OSError, bagit.BagError) as error:
        raise UserError(f"{target}: cannot be written ({error})") from None


def copy(contents: Contents, folder: Path) -> None:
    """Copy every file, side by side. Raises UserError where one is not as the audit saw it, OSError."""
    with ThreadPoolExecutor(max(2, cores())) as pool:
        found = pool.map(lambda path: copy_file(contents.files[path].source, folder / path), contents.files)
        for (path, held), digest in zip(contents.files.items(), found, strict=True):
            if digest != held.sha256:
                raise UserError(f"{held.source}: changed while {path} was packed; run again")


def left_out(contents: Contents) -> list[str]:
    """What of the results is not in the crate, and why."""
    said = []
    for word, what in ("data", "data sets"), ("points", "trajectories and states"):
        held = [one for path, one in contents.referenced.items() if kind(path) == word]
        if held:
            size = sum(one.bytes for one in held) / 1e6
            said.append(
                f"{len(held)} files of {what}, {size:.1f} MB, by reference (--by-value {word} packs them)"
            )
    if contents.absent:
        more = " …" if len(contents.absent) > 3 else ""
        said.append(f"{len(contents.absent)} recorded and not there: {', '.join(contents.absent[:3])}{more}")
    return [*said, "logs, benchmarks, settings files, superseded runs, seals and report.html"]


def readme(contents: Contents, license: str, remarks: list[str]) -> str:
    """The page, in Markdown."""
    failed = sum(record.kind == "failed" for record in contents.records)
    lines = [
        f"# Hallmarks: {contents.what}",
        "",
        f"{len(contents.names)} results, {len(contents.records)} attempts, of which {failed} failed, and "
        f"{len(contents.unended)} more that were killed. Licence: {license}.",
        "",
        "A BagIt bag; its `data/`, where this lies, is a Workflow Run RO-Crate (Provenance Run Crate 0.5).",
        "",
        f"- `{RESULTS}/`: the results; `{RESULTS}/provenance/`: the records by which they are audited",
        f"- `{CODE}/`: the sources that ran, Snakefile, rules, notebooks, configuration and lock too; of two",
        f"  versions the last, the others in `{RESULTS}/provenance/sources/`",
        "- `ro-crate-metadata.json`: what was made of what, by which action, for programs",
        "",
        "To check it, in the folder above:",
        "",
        "    bagit.py --validate .",
        f"    hallmarks audit --no-checkout --results data/{RESULTS}",
        "",
        "Left out:",
        "",
        *(f"- {said}" for said in left_out(contents)),
        "",
    ]
    if contents.referenced:
        lines += [
            f"`{RESULTS}/{REFERENCES}` lists what is left out by reference, with its SHA-256. Once it",
            f"lies where it belongs, `sha256sum -c {REFERENCES}` in `data/{RESULTS}` compares it.",
            "",
        ]
    said = [f"- {remark}" for remark in remarks]
    return "\n".join(
        [*lines, "What the audit said when it was packed:", "", *(said or ["- nothing found"]), ""]
    )
