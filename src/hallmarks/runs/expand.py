"""Configuration → runs and their names; equal runs of different experiments are one."""

from dataclasses import dataclass

from hallmarks.config.types import Config, Data, Experiment, Figure, Task, Variation
from hallmarks.errors import UserError

# Images in the training set, in the test set, and their side in pixels.
TRAINING_IMAGES = {"digits": 1437, "fashion-mnist": 60_000, "cifar10": 50_000, "imagenet": 1_281_167}
TEST_IMAGES = {"digits": 360, "fashion-mnist": 10_000, "cifar10": 10_000, "imagenet": 50_000}
SIDE = {"digits": 8, "fashion-mnist": 28, "cifar10": 32, "imagenet": 224}


@dataclass(frozen=True)
class Run:
    """One training run: `<task>/<variation>/seed<k>` and everything that decides it."""

    task: str
    variation: str
    seed: int
    settings: Task

    @property
    def name(self) -> str:
        return f"{self.task}/{self.variation}/seed{self.seed}"


@dataclass(frozen=True)
class Panel:
    """One variation of an experiment as a figure shows it: a label and a run a seed."""

    label: str
    experiment: str
    runs: list[str]


def settings(task: Task, variation: Variation) -> tuple[str, Task]:
    """The variation's name, which lists only what differs from the task, and the settings that result."""
    recipe, optimizer = task.recipe, task.recipe.optimizer
    current = {"batch_size": recipe.batch_size} | optimizer.model_dump(exclude={"name"})
    changes = {key: value for key, value in variation.changes().items() if value != current[key]}
    name = "+".join(f"{key}={value:g}" for key, value in changes.items()) or "default"
    batch_size = changes.pop("batch_size", recipe.batch_size)
    changed = recipe.model_copy(
        update={"batch_size": batch_size, "optimizer": optimizer.model_copy(update=changes)}
    )
    return name, task.model_copy(update={"recipe": changed})


def steps_per_epoch(task: Task) -> int:
    """Whole batches in an epoch; the incomplete last one is dropped."""
    return (task.data.training_images or TRAINING_IMAGES[task.data.name]) // task.recipe.batch_size


def total_steps(task: Task) -> int:
    """Steps of the whole run."""
    return task.recipe.length * (1 if task.recipe.unit == "steps" else steps_per_epoch(task))


def check_images(name: str, data: Data) -> None:
    """Raise UserError where a task asks for more images than there are, or for a fraction of a pixel."""
    counts = {
        "training_images": (data.training_images, TRAINING_IMAGES[data.name]),
        "test_images": (data.test_images, TEST_IMAGES[data.name]),
    }
    for key, (asked, present) in counts.items():
        if asked is not None and asked > present:
            raise UserError(f"tasks.{name}.data.{key}: {asked} is more than the {present} of {data.name}")
    side = SIDE[data.name]
    if side % data.pooling:
        raise UserError(f"tasks.{name}.data.pooling: {data.pooling} does not divide images of {side}×{side}")


def runs_of(config: Config, name: str) -> list[list[Run]]:
    """The runs of one experiment: for each variation, one a seed."""
    experiment: Experiment = config.experiments[name]
    task = config.tasks[experiment.task]
    check_images(experiment.task, task.data)
    rows = []
    for variation in experiment.variations:
        label, resolved = settings(task, variation)
        if steps_per_epoch(resolved) == 0:
            raise UserError(
                f"experiments.{name}: batch_size {resolved.recipe.batch_size} is larger than the "
                f"training set of {experiment.task}"
            )
        rows.append([Run(experiment.task, label, seed, resolved) for seed in experiment.seeds])
    steps = sorted({total_steps(row[0].settings) for row in rows})
    if experiment.equal_steps and len(steps) > 1:
        raise UserError(
            f"experiments.{name}: its runs take {', '.join(map(str, steps))} steps, and equal_steps asks for "
            f"one number; give the length of {experiment.task} in steps"
        )
    return rows


def expand(config: Config) -> dict[str, Run]:
    """Every run of the configuration by name. Raises UserError where an experiment cannot be run."""
    return {run.name: run for name in config.experiments for row in runs_of(config, name) for run in row}


def panels(config: Config, figure: Figure) -> list[Panel]:
    """What a figure shows, in the order of its experiments and their variations."""
    shown = [
        Panel(variation.label, name, [run.name for run in row])
        for name in figure.experiments
        for variation, row in zip(config.experiments[name].variations, runs_of(config, name), strict=True)
    ]
    if figure.labels is None:
        return shown
    return [panel for panel in shown if panel.label in figure.labels]
