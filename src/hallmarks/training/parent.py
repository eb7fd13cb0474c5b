"""The run that a branch goes on from: its states, and how those come back that are not there."""

import shutil
import sys
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from hallmarks.config.load import read_yaml
from hallmarks.errors import Interrupted, UserError
from hallmarks.runs.acceptance import read_acceptances
from hallmarks.runs.identity import Identity, changes
from hallmarks.runs.origin import Making, Origin
from hallmarks.runs.states import kept_in, made_again_in, state_name
from hallmarks.training.lease import Lease
from hallmarks.training.state import States
from hallmarks.trajectory.reader import Trajectory, read_trajectory


@dataclass(frozen=True)
class ParentRun:
    """A finished run in `folder`, and the making of its branch."""

    folder: Path
    settings: Origin
    making: Making

    @cached_property
    def name(self) -> str:
        return str(read_yaml(self.folder / "settings.yaml")["run"])

    @cached_property
    def identity(self) -> Identity:
        """What it was made by. Raises UserError where its settings are not those that the branch names."""
        made = Identity.read(self.folder / "identity.json")
        if made is None:
            raise UserError(f"{self.folder}: no finished run, which a branch goes on from; train it first")
        said = self._differs(made)
        stands = [
            each.wanted for each in read_acceptances(self.folder / "accepted.json") if each.made == made.key
        ]
        if said and all(map(self._differs, stands)):
            raise UserError(f"{self.folder}: not the run that the branch goes on from; {said[0]}")
        return made

    def _differs(self, made: Identity) -> list[str]:
        """What of its settings is another than the branch names."""
        own = {"seed": self.making.seed}
        wanted = Identity(own | self.settings.resolved(), {}, {}, own | self.settings.given())
        return changes(replace(made, inputs={}, code={}), wanted)

    @cached_property
    def trajectory(self) -> Trajectory:
        return read_trajectory(self.folder / "trajectory")

    def state(self, step: int) -> dict[str, Any]:
        """Its model and optimizer after a step. Raises UserError; Interrupted while they are made again."""
        key, diverged = self.identity.key, self.trajectory.diverged
        if diverged and diverged["step"] <= step:
            raise UserError(
                f"{self.name} diverged at epoch {diverged['epoch']:g} (step {diverged['step']}): "
                f"there is no state after step {step} to branch from"
            )
        found = States(kept_in(self.folder), kept=None).at(step)
        if found is not None:
            return found
        if self.making.scratch is None:
            raise UserError(f"{self.folder}: its state after step {step} is not there; give --scratch")
        folder = made_again_in(self.making.scratch, self.name, key)
        lease = Lease(folder)
        if not lease.take(self.making.stop):
            raise Interrupted(f"{self.making.run}: stopped while another job trains its parent's first steps")
        try:
            again = States(kept_in(folder / "output"), kept=None)
            found = again.at(step)
            if found is None or not self._same(folder, step):
                self._again(folder, step, lease)
                self._same(folder, step)
                found = again.at(step)
            return found
        finally:
            lease.release()

    def _again(self, folder: Path, step: int, lease: Lease) -> None:
        """Train its first steps again, and keep the states that are wanted on the way.

        Raises UserError where they diverge; Interrupted.
        """
        said = f"{self.name}: its state after step {step} is not there; its first steps are trained again"
        print(said, file=sys.stderr, flush=True)
        later = [path for path in (folder / "states").glob("state-*.pt") if path.name > state_name(step)]
        if later:  # for another branch it was trained past this step
            States(folder / "states").clear()
        stop = self.making.stop
        keep = tuple(each for each in {*self.making.keep, step} if each <= step)
        making = replace(self.making, run=self.name, folder=folder, keep=keep, until=step, parent=None)
        if self.settings.make(replace(making, stop=lambda: lease.check() or stop())):
            raise self._another(folder, "it diverges")

    def _same(self, folder: Path, step: int) -> bool:
        """Whether the steps trained again lead through its points; False where they end before `step`.

        Raises UserError where a point is another.
        """
        made = {point.step: point.sha256 for point in read_trajectory(folder / "output/trajectory").points}
        for point in self.trajectory.points:
            if made.get(point.step, point.sha256) != point.sha256:
                raise self._another(folder, f"its point at epoch {point.epoch:g} is another")
        return all(point.step in made for point in self.trajectory.points if point.step <= step)

    def _another(self, folder: Path, said: str) -> UserError:
        """That what was trained again in `folder` is not this run; nothing of it is left there."""
        for left in "output", "states":
            shutil.rmtree(folder / left, ignore_errors=True)
        return UserError(
            f"{self.name}: trained again, {said}, as happens on another device or with other versions; the "
            f"log of its job, logs/train/{self.name}.log, says what trained it. Branch there, or train it "
            f"here anew (-R train)"
        )
