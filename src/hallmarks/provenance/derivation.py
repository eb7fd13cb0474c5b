"""What a result was made of, without anything that varies between two makings of it; its key names it."""

import argparse
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

from hallmarks.provenance import checkout
from hallmarks.provenance.outputs import is_of
from hallmarks.provenance.scrub import clean_source, clean_value
from hallmarks.provenance.store import Store, key_of
from hallmarks.runs.identity import Identity
from hallmarks.runs.request import parse_request, read_request
from hallmarks.witness.journal import Journal, settled
from hallmarks.witness.sources import LOADED

# They tell of a result, and make none.
NOT_SOURCES = ("hallmarks.provenance", "hallmarks.witness")
# Of a settings file: where the results lie, and what is told from one call to the next.
NOT_SETTINGS = {"results", "again", "identity"}


class Derivation:
    """Of one command: what it is told, then what it was seen to read and run."""

    def __init__(self, name: str, arguments: argparse.Namespace, results: Path):
        self.results = results
        self.settings = clean_value(settings_of(arguments, results))
        self.notebook = arguments.notebook if name == "notebook" else None
        self.notebook_source = (
            self.notebook.read_bytes() if self.notebook and self.notebook.is_file() else None
        )
        self.lock = checkout.lock()
        self.unseen = tables_of_measures(arguments)
        key_of({"settings": self.settings})  # what cannot be recorded is said before anything is made

    def of(self, seen: Journal, target: str, identity: Path, store: Store) -> dict[str, Any]:
        """The derivation; its sources are kept. Raises UserError."""
        inputs = [
            {"path": name, "sha256": what.sha256, "bytes": what.bytes}
            for name, what in sorted((name, settled(what)) for name, what in seen.read.items())
            if not is_of(name, target)
        ]
        sources = {path: kept(store, content) for path, content in sorted(self.files(seen).items())}
        made_by = Identity.read(identity)
        found = {"inputs": inputs, "settings": self.settings, "sources": sources}
        found |= {"lock": store.keep(self.lock) if self.lock else None, "packages": checkout.packages()}
        found |= {"python": platform.python_version(), "determinism": determinism()}
        return found | ({"identity": {"key": made_by.key, "code": made_by.code}} if made_by else {})

    def key(self, derivation: dict[str, Any]) -> str:
        return key_of(derivation)

    def files(self, seen: Journal) -> dict[str, bytes]:
        """The sources that ran, by path in the clone: modules, of children too, and the notebook."""
        loaded = LOADED | seen.loaded
        found = {
            checkout.path_of(name): source
            for name, source in loaded.items()
            if not name.startswith(NOT_SOURCES)
        }
        if self.notebook_source is not None:
            path = os.path.realpath(self.notebook)
            inside = os.path.relpath(path, checkout.ROOT)
            found[Path(path).name if inside.startswith("..") else Path(inside).as_posix()] = (
                self.notebook_source
            )
        return found

    def workflow(self) -> dict[str, Any]:
        """The Snakefile, rules and configuration of the last call of Snakemake here, if there was one."""
        try:
            return {"workflow": json.loads((self.results / "settings" / "workflow.json").read_text())}
        except (OSError, ValueError):
            return {}


def kept(store: Store, content: bytes) -> str:
    """The SHA-256 of a source, which is kept; of one that names a person or a secret, as it is without."""
    return store.keep(clean_source(content))


def settings_of(arguments: argparse.Namespace, results: Path) -> dict[str, Any]:
    """What a command is told: its settings file's content, or, by hand, its options that are no paths."""
    said = getattr(arguments, "settings", None)
    if isinstance(said, Path | str) and said:
        content = read_request(said) if isinstance(said, Path) else parse_request(said)
        return relative({key: value for key, value in content.items() if key not in NOT_SETTINGS}, results)
    options = {
        key: value for key, value in vars(arguments).items() if isinstance(value, str | int | float | list)
    }
    return {key: value for key, value in options.items() if not holds_path(value)}


def tables_of_measures(arguments: argparse.Namespace) -> list[str]:
    """The measures that a settings file names as inputs: Parquet is opened where no Python sees it."""
    said = getattr(arguments, "settings", None)
    content = read_request(said) if isinstance(said, Path) else {}
    inputs = content.get("identity", {}).get("inputs", {})
    return [f"{name}.parquet" for name in inputs if name.startswith("measures/")]


def holds_path(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(item, Path) for item in value)


def relative(value: Any, results: Path) -> Any:
    """Settings with paths below the results as they are from there."""
    if isinstance(value, dict):
        return {key: relative(item, results) for key, item in value.items()}
    if isinstance(value, str) and os.path.abspath(value).startswith(f"{results}/"):
        return os.path.relpath(value, results)
    return value


def determinism() -> dict[str, Any]:
    """What torch was told of it, where it was imported."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "backends"):
        return {}
    return {
        "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        "cudnn_deterministic": torch.backends.cudnn.deterministic,
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
        "float32_matmul_precision": torch.get_float32_matmul_precision(),
    }


def workflow_files(root: Path, configuration: list[Path], store: Store) -> dict[str, str]:
    """Keep the files of a call of Snakemake; their SHA-256 by path."""
    rules = [root / "Snakefile", *sorted((root / "workflow").rglob("*.smk"))]
    found = {}
    for path in [*rules, *configuration]:
        if path.is_file():
            name = os.path.relpath(os.path.realpath(path), os.path.realpath(root))
            found[path.name if name.startswith("..") else Path(name).as_posix()] = kept(
                store, path.read_bytes()
            )
    return found
