"""Settings files: what the workflow tells the command that makes a result, and what its job's inputs are.

Snakemake compares times, and remembers what a job was given in a folder that stays behind when results move.
So the result itself says what it was made by, and Snakemake is shown as newer only what counts: the settings
file of a result that must be made again, and of a result that stands nothing.
"""

import json
import os
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from snakemake.io import ancient, local

from hallmarks.errors import UserError
from hallmarks.files import write_json
from hallmarks.provenance.derivation import workflow_files
from hallmarks.provenance.store import Store
from hallmarks.workflow.results import Result, Results
from hallmarks.workflow.targets import behind


class Requests:
    """Writes settings files, and flags inputs, for the rules of one parse."""

    def __init__(self, results: Results, again: Callable[[], set[str]], dry: Callable[[], bool]):
        """`again` says which kinds of results the user forces, `dry` whether nothing will run.

        The commands of what is forced are told to start afresh, by a token that is new for each call.
        """
        self.results, self.again, self.dry, self.token = results, again, dry, uuid.uuid4().hex
        self.folder = results.folder

    def write_all(self, configuration: Sequence[Path] = ()) -> None:
        """Write every settings file, before Snakemake first looks which files there are, and remembers it.

        With them the place where commands record, and the files that ask for all this, for the records.
        """
        store = Store(self.folder)
        store.prepare()
        files = workflow_files(self.results.root, configuration, store)
        if files != read(self.folder / "settings" / "workflow.json"):
            write_json(self.folder / "settings" / "workflow.json", files, lasting=False)
        for result in self.results.all():
            self.settings(result.kind, result.name)

    def settings(self, kind: str, name: str) -> str:
        """The path of a settings file, written where it says something new. Raises UserError."""
        result = Result(kind, name)
        path = self.folder / "settings" / kind / f"{name}.json"
        before = read(path)
        identity = self.results.identity(result)
        content = self.results.settings(result) | {"results": str(self.folder)}
        if kind != "runs":  # a run's command writes its own, with what it trains
            content["identity"] = {"key": identity.key} | identity.record
        forced = kind in self.again() and not self.dry()
        content["again"] = self.token if forced else before.get("again", "")
        if content != before:
            write_json(path, content, lasting=False)
        return str(path)

    def data(self, name: str) -> str:
        """The path of the settings file of a data set: where it lies already, if anywhere."""
        path = self.folder / "settings" / "data" / f"{name}.json"
        content = {"name": name, "source": self.results.paper.config.data.get(name)}
        if content != read(path):
            write_json(path, content, lasting=False)
        return str(path)

    def inputs(self, kind: str, name: str, **paths: str | list[str]) -> dict[str, Any]:
        """The inputs of the job that makes a result: `settings`, and these paths by name."""
        result = Result(kind, name)
        settings = local(self.settings(kind, name))
        made = self._oldest(result)
        if self.results.verdict(result) == []:
            forced = not self.again().isdisjoint(part.kind for part in behind(self.results, {result}))
            newest = None if forced else made
            kept = {key: self._flagged(kind, value, newest) for key, value in paths.items()}
            return {"settings": ancient(settings)} | kept
        if made is not None:
            make_newer(Path(settings), made)
        return {"settings": settings} | paths

    def _oldest(self, result: Result) -> float | None:
        """When the oldest of a result's files was written; None where none is there."""
        times = [mtime(self.folder / output) for output in result.outputs]
        return min((time for time in times if time is not None), default=None)

    def _flagged(self, kind: str, value: str | list[str], made: float | None) -> Any:
        """What is newer than a result that stands was copied or touched: its time says nothing.

        `made` is None where the user forces what comes before it. Data got once more make no run again; their
        digests do.
        """
        if isinstance(value, list):
            return [self._flagged(kind, path, made) for path in value]
        time = mtime(Path(value))
        newer = made is not None and time is not None and time > made
        return ancient(value) if newer or kind == "runs" else value


def read(path: Path) -> dict[str, Any]:
    """A settings file as it is; empty where there is none that can be read."""
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError):
        return {}


def mtime(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None


def make_newer(path: Path, than: float) -> None:
    """Give a file a time after `than`, which may lie ahead: of another machine's clock. Raises UserError."""
    try:
        if path.stat().st_mtime <= than:
            os.utime(path)
        if path.stat().st_mtime <= than:
            os.utime(path, (than + 1, than + 1))
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from None


MADE = ("runs", "kernels", "measures", "studies", "figures", "tables")


def refuse_mixing(folder: Path, scale: str) -> None:
    """Raise UserError where a folder holds results of another scale, whose figures have the same names."""
    path = folder / "settings" / "scale.json"
    held = read(path).get("scale", scale)
    made = any(any((folder / kind).glob("*")) for kind in MADE)  # what only looked, as a plan, holds nothing
    if held != scale and made:
        raise UserError(
            f"{folder}: holds results of scale {held}, and figures of scale {scale} would replace them; "
            f"give another folder, `results: results-{scale}` in your overlay, or move this one away"
        )
    if held != scale or not path.exists():
        write_json(path, {"scale": scale})
