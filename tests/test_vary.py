"""A variation may set any leaf of a task: what it is then called, and what is refused, each in one line."""

from pathlib import Path

import pytest

from hallmarks.config.load import load_configuration
from hallmarks.config.types import TASKS
from hallmarks.errors import UserError
from hallmarks.runs.vary import label, vary

ROOT = Path(__file__).parents[1]
TASK = load_configuration([ROOT / "config.yaml", ROOT / "config/smoke.yaml"]).tasks["vgg16-digits"]


@pytest.mark.parametrize(
    ("variation", "name", "shown"),
    [
        ({}, "default", "default"),
        ({"momentum": 0}, "momentum=0", "momentum 0"),
        ({"weight_decay": 0, "momentum": 0}, "momentum=0+weight_decay=0", "momentum 0, weight decay 0"),
        ({"momentum": 0.9, "batch_size": 64}, "default", "batch size 64, momentum 0.9"),
        ({"model.width": 4}, "width=4", "model.width 4"),
        ({"width": 4}, "width=4", "width 4"),
        ({"augment": []}, "augment=none", "augment none"),
        ({"augment": ["crop", "flip"]}, "augment=crop-flip", "augment crop and flip"),
        ({"training_images": None}, "training_images=none", "training images None"),
        ({"at": [1, 3]}, "at=1-3", "at 1 and 3"),
        ({"schedule": {"factor": 0.5}}, "factor=0.5", "schedule.factor 0.5"),
        ({"schedule": {"name": "constant"}}, "recipe.schedule.name=constant", "schedule.name constant"),
        ({"model": {"name": "resnet20"}}, "model.name=resnet20+width=16", "model.name resnet20"),
        ({"points.every": 2}, "every=2", "points.every 2"),
        ({"recipe.points": {"every": 3}}, "every=3", "recipe.points.every 3"),
        (
            {"recipe": {"optimizer": {"momentum": 0}, "batch_size": 32}},
            "batch_size=32+momentum=0",
            "recipe.batch size 32, recipe.optimizer.momentum 0",
        ),
        ({"learning_rate": 0.0333333}, "learning_rate=0.0333333", "learning rate 0.0333333"),
        ({"learning_rate": 0.03333333333}, "learning_rate=0.03333333333", "learning rate 0.03333333333"),
        ({"batch_size": 1, "weight_decay": 1e-05}, "batch_size=1+weight_decay=1e-05", None),
    ],
)
def test_a_variation_of_any_leaf(variation, name, shown):
    named, settings = vary(TASK, variation, "here")
    assert named == name and (shown is None or label(variation) == shown)
    assert (settings == TASK) == (name == "default")


def test_a_mapping_of_the_same_kind_joins_and_of_another_replaces():
    _, joined = vary(TASK, {"schedule": {"at": [3]}}, "here")
    assert joined.recipe.schedule.model_dump() == {"name": "drops", "at": [3], "factor": 0.1}
    _, replaced = vary(TASK, {"schedule": {"name": "constant"}}, "here")
    assert replaced.recipe.schedule.model_dump() == {"name": "constant"}
    _, other = vary(TASK, {"model": {"name": "resnet20"}}, "here")
    assert other.model.model_dump() == {"name": "resnet20", "width": 16}  # not vgg16's 2
    assert other.recipe == TASK.recipe and other.choices == TASK.choices


SAM = {"name": "sam", "learning_rate": 0.2}
NAMED = "learning_rate=0.2+momentum=0+recipe.optimizer.name=sam+weight_decay=0"


@pytest.mark.parametrize(
    ("variation", "name"),
    [
        ({"optimizer": SAM}, NAMED),
        ({"optimizer": SAM | {"rho": 0.05}}, NAMED),  # its default
        ({"optimizer": SAM | {"momentum": 0.0}}, NAMED),
        ({"recipe.optimizer.learning_rate": 0.2, "recipe.optimizer.name": "sam"}, NAMED),
        ({"optimizer": SAM | {"rho": 0.1}}, NAMED.replace("+weight", "+rho=0.1+weight")),
        ({"optimizer": SAM | {"momentum": 0.9}}, NAMED.replace("momentum=0+", "")),  # the task's
    ],
)
def test_equal_settings_of_another_kind_have_one_name(variation, name):
    assert vary(TASK, variation, "here")[0] == name


@pytest.mark.parametrize(
    ("variation", "line"),
    [
        ({"momentun": 0}, "momentun: the task has no such setting; did you mean 'momentum'?"),
        ({"points.evry": 2}, "points.evry: the task has no such setting; did you mean 'points'?"),
        ({"zzz": 0}, "zzz: the task has no such setting"),
        ({"name.x": 1}, "name.x: the task has no such setting; did you mean 'name'?"),
        ({"choices.x": "why"}, "choices.x: the task has no such setting"),
        ({"choices": {"x": "why"}}, "choices: the task has no such setting"),
        ({"unit": "steps"}, "unit is one of recipe.unit, recipe.points.unit; say which"),
        (
            {"name": "resnet20"},
            "name is one of data.name, model.name, recipe.optimizer.name, recipe.objective.name, "
            "recipe.schedule.name; say which",
        ),
        ({"model.wdth": 4}, "model.wdth: unknown key; did you mean 'width'?"),
        ({"model.width.x": 4}, "model.width: Input should be a valid integer"),
        ({"model": {"name": "resnet21"}}, "model: no model is called 'resnet21'; did you mean 'resnet20'?"),
        ({"model": {4: 5}}, "model.4: Keys should be strings, not 4"),
        ({"width": -1}, "model.width: Input should be greater than 0, not -1"),
        (
            {"origin": "borrowed"},
            f"no origin of runs is called 'borrowed'; there are {', '.join(TASKS.names())}",
        ),
        ({"at": [5, 9]}, "recipe: a drop at 9 is past the end, 6 epochs; end it before"),
        ({"augment": [{"a": 1}]}, "data.augment.0: Input should be 'crop' or 'flip'"),
        (
            {"learning_rate": 0.1, "recipe.optimizer.learning_rate": 0.2},
            "recipe.optimizer.learning_rate stands twice",
        ),
        ({"points": 5, "points.every": 3}, "recipe.points stands twice"),
        ({"points.every": 3, "recipe.points": None}, "recipe.points stands twice"),
    ],
)
def test_refused_in_one_line(variation, line):
    with pytest.raises(UserError) as refused:
        vary(TASK, variation, "experiments.e.variations[1]")
    assert str(refused.value) == f"experiments.e.variations[1]: {line}"
