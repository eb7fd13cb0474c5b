"""Runs that others trained and published: which revisions of which model, read from the hub.

The run is what the hub says of them, `lock.json`. No weight is kept: the kernel is computed while they are
read.
"""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, StringConstraints

from hallmarks.config.strict import Strict
from hallmarks.config.types import Folder
from hallmarks.errors import UserError
from hallmarks.runs.origin import Cost, Making, Origin, Time
from hallmarks.trajectory.checkpoints import Choice
from hallmarks.trajectory.hub.address import parse_address
from hallmarks.trajectory.hub.lock import Lock
from hallmarks.trajectory.hub.points import chosen
from hallmarks.trajectory.hub.steps import step_of

# A part of a repository's name, or the name of a branch, a tag, or a file.
Part = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
DECIDES_NOTHING = {"choices", "locks", "sizes"}


class Size(Strict):
    """Of one point of a model: what `hallmarks plan` says before anything is asked of the hub."""

    bytes: PositiveInt
    """Of the weights as they are published."""
    parameters: PositiveInt
    tensors: NonNegativeInt = 0


class Settings(Origin):
    """A trajectory that is published on the hub: a model's revisions, in the order of their steps."""

    keeps_points: ClassVar[bool] = False

    origin: Literal["fetched"] = "fetched"
    organisation: Part
    model: Part
    """The repository's name: `organisation/model`."""
    revisions: Annotated[list[str], Field(min_length=1)]
    """Branches or tags, such as step0; or, with a lock, a pattern: `step*:4` is every 4th."""
    weights: Part | None = None
    """The file of weights, such as pytorch_model.bin; without it the family with more distinct revisions."""
    only: list[str] = []
    """Patterns of the tensors that count."""
    leave_out: list[str] = []
    """Patterns of tensors that do not count."""
    allow_duplicates: bool = False
    """Whether equal weights under different steps are points; otherwise they are missing."""
    locks: Folder | None = None
    """A folder of lock files, `<model>.json`, which `hallmarks hub check ADDRESS --lock FILE` writes: by one
    these bytes are read or none, and its digest is a part of what decides the run."""
    sizes: dict[str, Size] = {}
    """By model, for `hallmarks plan`; they decide no number."""

    @cached_property
    def lock(self) -> Lock | None:
        """The lock of this model, where there is one. Raises UserError for a file that is none."""
        path = Path(self.locks) / f"{self.model}.json" if self.locks else None
        return Lock.read(path) if path and path.exists() else None

    @property
    def address(self) -> str:
        """Of these revisions on the hub."""
        return f"hf://{self.organisation}/{self.model}@{','.join(self.revisions)}"

    def given(self) -> dict[str, Any]:
        """Those that are not at their defaults."""
        own = super().given()
        return own | ({"lock": self.lock.sha256} if self.lock else {})

    def decides(self) -> dict[str, Any]:
        """The settings, and in place of where locks lie what this model's lock says."""
        return self.model_dump(exclude=DECIDES_NOTHING) | {"lock": self.lock.sha256 if self.lock else None}

    def kernel_modules(self) -> tuple[str, ...]:
        """As of any other; that the way to the bytes is another one decides no bit."""
        return ("hallmarks.kernel.gram", "hallmarks.kernel.repeated")

    def modules(self) -> list[str]:
        """What says which files and tensors are points; how they are listed and read decides no number."""
        return ["hallmarks.trajectory.hub.points"]

    def check(self) -> None:
        """Raise UserError, the key first, where what is asked for cannot be known, or what it costs."""
        if not self.lock and (pattern := next((name for name in self.revisions if "*" in name), None)):
            raise UserError(
                f"revisions: which steps {pattern} is, only a lock says: `hallmarks hub check {self.address} "
                f"--lock FOLDER/{self.model}.json`, and `locks: FOLDER`"
            )
        if not self.lock and self.model not in self.sizes:
            raise UserError(f"sizes: give {self.model} its bytes and parameters a point, or a lock of it")

    def steps(self) -> int:
        """The last step."""
        names = [revision.name for revision in self.lock.revisions] if self.lock else self.revisions
        return max(step_of(name) or 0 for name in names)

    def time(self) -> Time:
        """It counts in steps; of the learning rate nothing is known."""
        return Time("steps", [])

    def describe(self) -> str:
        """A line for captions."""
        return f"{self.organisation}/{self.model}, published: {', '.join(self.revisions)}"

    def cost(self) -> Cost:
        """For `hallmarks plan`: nothing is trained, and the bytes of the weights come once."""
        size = self.sizes.get(self.model)
        n, fetched = len(self.revisions), len(self.revisions) * size.bytes if size else 0
        if self.lock:
            names = None if "*" in self.address else self.revisions
            family, _, revisions, missing = chosen(self.lock, self.choice, names)
            kept = [revision for revision in revisions if revision.name not in missing]
            n, fetched = len(kept), sum(map(family.bytes_of, kept))
        parameters = size.parameters if size else fetched // (2 * n)
        return Cost(n, parameters, size.tensors if size else 0, steps=0, flops=0.0, fetched=fetched)

    def make(self, making: Making) -> bool:
        """Ask the hub what these revisions are, unless a lock says it, and write it in `making.folder`.

        The trajectory is `lock.json`, and `trajectory.json` that names the points. Raises UserError.
        """
        from hallmarks.trajectory.hub.fetched import write_fetched
        from hallmarks.trajectory.hub.find import locked
        from hallmarks.trajectory.hub.listing import Hub

        path = Path(self.locks) / f"{self.model}.json" if self.lock else None
        lock, names = locked(parse_address(self.address), path, Hub(), as_given=False)
        write_fetched(making.folder / "output", lock, names, self.choice)
        return False

    @property
    def choice(self) -> Choice:
        """What of the revisions counts."""
        return Choice(
            tuple(self.only),
            tuple(self.leave_out),
            weights=self.weights,
            allow_duplicates=self.allow_duplicates,
        )
