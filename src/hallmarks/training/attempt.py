"""One attempt at a run: which folder it goes on in, and where the finished run goes; nothing is thrown away.

In `scratch/<run>/` each identity has a folder of its own: a state of other settings, data or code is left
where it is, and taken up again when they are as they were, or when somebody accepts it.
"""

import shutil
import sys
from functools import cached_property
from itertools import chain, count
from pathlib import Path

import yaml

from hallmarks.config.load import read_yaml
from hallmarks.data.prepared import describe
from hallmarks.files import move_into_place, write
from hallmarks.runs.acceptance import accepted
from hallmarks.runs.identity import SHORT, Identity, changes
from hallmarks.runs.origin import Origin
from hallmarks.runs.run import identity_of
from hallmarks.training import finished


class Attempt:
    """A run's name and settings, its prepared data by name, its scratch folder, and where it is to lie.

    Of a branch, `parent` is the folder of the run that it goes on from.
    """

    def __init__(
        self,
        run: str,
        settings: Origin,
        seed: int,
        data: dict[str, Path],
        scratch: Path,
        output: Path,
        parent: Path | None = None,
    ):
        self.run, self.settings, self.scratch, self.output = run, settings, scratch / run, output
        digests = {
            f"{name}/{file}": digest
            for name, folder in data.items()
            for file, digest in describe(folder)["sha256"].items()
        }
        if parent and (made := Identity.read(parent / "identity.json")):
            digests[f"runs/{read_yaml(parent / 'settings.yaml')['run']}"] = made.key
        self.identity = identity_of(settings, seed, digests)
        self.own = self.scratch / self.identity.key[:SHORT]

    @cached_property
    def folder(self) -> Path:
        """Where this attempt goes on: where an earlier one of the same identity did, or an accepted one."""
        for path in sorted(self.scratch.glob("*/identity.json")):
            made = Identity.read(path)
            said = changes(made, self.identity)
            if not said or accepted(path.with_name("accepted.json"), made, self.identity):
                return path.parent
            print(
                f"{path.parent}: a state made by others ({', '.join(said[:3])}) is set aside; "
                f"`hallmarks accept {self.run} --why …` goes on from it",
                file=sys.stderr,
            )
        self.identity.write(self.own / "identity.json")
        return self.own

    def finished_before(self, again: str) -> bool:
        """Whether the run is there already, and only its small files were deleted; they are written again.

        `again` is new each time that the user forces the run.
        """
        there = finished.restored(self.output, self.identity, again)
        if there:
            self.clear(self.own)
        return there

    def finish(self, again: str) -> None:
        """Put the finished run in place. One of another identity that is there is moved aside, not lost."""
        made = self.folder / "output"
        said = {"run": self.run, **self.settings.resolved()}
        write(made / "settings.yaml", yaml.safe_dump(said, sort_keys=False))
        self.identity.write(made / "identity.json")
        if (self.folder / "accepted.json").exists():
            shutil.copy(self.folder / "accepted.json", made / "accepted.json")
        finished.record(made, again)
        self.set_aside()
        move_into_place(made, self.output)
        self.clear(self.folder)

    def set_aside(self) -> None:
        """Move an earlier run of another identity, with its points, to `superseded/` beside it."""
        before = finished.recorded_identity(self.output)
        if not list(self.output.rglob("point-*")) or (before and not changes(before, self.identity)):
            return
        if before:
            finished.restore(self.output)
        beside = self.free(before.key[:SHORT] if before else "unrecorded")
        move_into_place(self.output, beside)
        print(f"{self.run}: the run that was here is kept in {beside}", file=sys.stderr)

    def free(self, name: str) -> Path:
        """Where a run is set aside under a name, which one before it may have."""
        beside = self.output.parent / "superseded" / f"{self.output.name}-{name}"
        numbered = (beside.with_name(f"{beside.name}-{number}") for number in count(2))
        return next(path for path in chain([beside], numbered) if not path.exists())

    def refused(self) -> None:
        """Leave nothing in scratch where nothing was begun."""
        if [path.name for path in self.folder.iterdir()] == ["identity.json"]:
            self.clear(self.folder)

    def clear(self, folder: Path) -> None:
        """Remove an attempt's folder, and the run's where no state of another identity is left in it."""
        shutil.rmtree(folder, ignore_errors=True)
        if not list(self.scratch.glob("*/identity.json")):
            shutil.rmtree(self.scratch, ignore_errors=True)
