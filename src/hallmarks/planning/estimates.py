"""What each job of a plan takes in time and leaves on disk, and where the number comes from."""

import csv
import math
import statistics
from collections import defaultdict
from dataclasses import replace
from functools import cache
from pathlib import Path

from hallmarks.config.load import read_yaml
from hallmarks.config.types import TASKS
from hallmarks.data.prepare import DATA_SETS
from hallmarks.errors import UserError
from hallmarks.planning import costs
from hallmarks.planning.costs import START_SECONDS, Estimate
from hallmarks.planning.jobs import Job
from hallmarks.runs.origin import Origin
from hallmarks.runs.states import kept_in, made_again_in, state_name
from hallmarks.trajectory.log import read_log
from hallmarks.workflow.results import Result, Results

AGAIN = "a parent's first steps are trained again where it left no state to branch from"
SMALL_FILE = 1_000_000  # bytes that a figure, a table or a run's measures take, about


def work_of(settings: Origin, rule: str) -> tuple[tuple, float, float]:
    """What training a run, or its kernel, is.

    That is what is equal for runs that are alike: where they come from, their data, their network's size and
    precision; the FLOPs of a step; and the amount of work, in FLOPs or points.
    """
    cost = settings.cost()
    if rule == "fetch":  # the network does not know of what model a byte is
        return (type(settings),), 0.0, max(cost.fetched, 1)
    alike = type(settings), settings.data_sets(), cost.parameters, cost.tensors, cost.precision
    amount = cost.points if rule == "kernel" else cost.flops or cost.steps
    return alike, cost.flops / max(cost.steps, 1), max(amount, 1)


def read_measured(results: Path, rule: str) -> list[tuple[tuple, float, float]]:
    """Finished jobs of `train` or `kernel`: what is alike, the FLOPs of a step, and seconds for the amount.

    Those whose benchmark or settings are damaged are left out.
    """
    folder, found = results / "benchmarks" / rule, []
    for path in sorted(folder.glob("*/*/seed*.tsv")):
        run = results / "runs" / path.relative_to(folder).with_suffix("")
        try:
            said = read_yaml(run / "settings.yaml")
            settings = TASKS.validate({key: value for key, value in said.items() if key != "run"})
            attempts = csv.DictReader(path.read_text().splitlines(), delimiter="\t")
            seconds = statistics.median(float(row["s"]) for row in attempts)
            logged = sum(row.get("seconds", 0) for row in read_log(run / "log.csv")) if rule == "train" else 0
        except (OSError, LookupError, TypeError, ValueError, UserError):
            continue
        if seconds < logged:  # the last attempt's alone: it went on after a stop, or found the run finished
            seconds = logged + START_SECONDS
        alike, step, amount = work_of(settings, rule)
        found.append((alike, step, seconds / amount))
    return found


def measured(finished: list[tuple[tuple, float, float]], settings: Origin, rule: str) -> Estimate | None:
    """From finished jobs like it, those whose steps are as large before others: small steps are slower."""
    alike, step, amount = work_of(settings, rule)
    found = [(other, rate) for key, other, rate in finished if key == alike]
    same = [rate for other, rate in found if math.isclose(other, step, rel_tol=0.05)]
    rates = same or [rate for _, rate in found]
    return Estimate(statistics.median(rates) * amount, len(rates)) if rates else None


class Estimator:
    """Estimates from finished runs among the results; without any like it, from stated rates."""

    def __init__(self, results: Results, gpu_flops: float | None = None):
        self.results, self.gpu_flops = results, gpu_flops
        self.again: dict[str, int] = defaultdict(int)
        finished = {rule: read_measured(results.folder, rule) for rule in ("train", "kernel", "fetch")}
        # By `<task>/<variation>`, for all its seeds.
        settings = {f"{run.task}/{run.variation}": run.settings for run in results.paper.runs.values()}
        self.cost = cache(lambda of: settings[of].cost())
        self.model = lambda of: getattr(settings[of], "model", of)
        self.measured = cache(lambda rule, of: measured(finished[rule], settings[of], rule))

    def __call__(self, job: Job) -> Job:
        """The job with its estimates."""
        if job.rule not in {"train", "kernel", "fetch"}:
            seconds, leaves = costs.SECONDS.get(job.rule, 10.0), 0 if job.rule == "discard" else SMALL_FILE
            if job.rule == "data":
                leaves = DATA_SETS[job.name].Settings.prepared_bytes()
            return replace(job, seconds=seconds, bytes=leaves, rates=(costs.SECONDS_SOURCE,))
        of = job.name.rpartition("/")[0]
        cost, found = self.cost(of), self.measured(job.rule, of)
        if job.rule == "fetch":
            stated = costs.fetching(cost)
            found = (found or stated)._replace(bound=f"{self.model(of)}: {stated.bound}")
            return replace(job, bytes=costs.FLOAT64 * cost.tensors * cost.points**2, **found._asdict())
        if job.rule == "kernel":
            seconds = costs.KERNEL_START + costs.trajectory_bytes(cost) / costs.KERNEL_BYTES
            found = found or Estimate(seconds, rates=(costs.KERNEL_SOURCE,))
            return replace(job, bytes=costs.FLOAT64 * cost.tensors * cost.points**2, **found._asdict())
        gpu, kept = bool(job.resources.get("gpu")), self.results.paper.kept.get(job.name, [])
        found = found or costs.training(cost, job.threads, gpu, self.gpu_flops)
        leaves = costs.trajectory_bytes(cost) + costs.FLOAT32 * cost.state * len(kept)
        states = costs.STATES * costs.FLOAT32 * cost.state
        job = replace(job, bytes=leaves, states=states, **found._asdict())
        return self.with_parent(job) if job.reason else job

    def with_parent(self, job: Job) -> Job:
        """A branch whose parent left no such state trains the parent's first steps again, once for all."""
        results, run = self.results, self.results.paper.runs[job.name]
        parent = run.parent
        if parent is None or results.verdict(Result("runs", parent.name)) != []:
            return job  # a parent that is trained leaves its states
        folder, key = results.folder / "runs" / parent.name, results.key(Result("runs", parent.name))
        places = [folder, made_again_in(Path(results.paper.config.scratch), parent.name, key) / "output"]
        begun = self.again[parent.name]
        for step in run.settings.parent_run().steps:
            if not any((kept_in(place) / state_name(step)).exists() for place in places):
                self.again[parent.name] = max(self.again[parent.name], step)
        if (steps := self.again[parent.name] - begun) == 0:
            return job
        whole = self(Job("train", parent.name, None, job.threads, job.resources))
        seconds = whole.seconds * steps / max(parent.settings.steps(), 1)
        return replace(job, seconds=job.seconds + seconds, rates=(*job.rates, AGAIN))
