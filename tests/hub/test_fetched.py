"""The origin `fetched`: its settings in a configuration."""

import pytest

from hallmarks.config.types import TASKS
from hallmarks.errors import UserError
from hallmarks.runs.vary import vary

TASK = {
    "origin": "fetched",
    "organisation": "EleutherAI",
    "model": "pythia-14m",
    "revisions": ["step0", "step1000", "step143000"],
    "sizes": {"pythia-14m": {"bytes": 53_000_000, "parameters": 14_067_712, "tensors": 76}},
}


def test_what_the_workflow_asks_of_it():
    settings = TASKS.validate(TASK)
    settings.check()
    cost = settings.cost()
    assert (cost.points, cost.tensors, cost.steps, cost.fetched) == (3, 76, 0, 3 * 53_000_000)
    assert settings.steps() == 143000 and settings.time().unit == "steps"
    assert settings.address == "hf://EleutherAI/pythia-14m@step0,step1000,step143000"


def test_sizes_and_where_locks_lie_decide_nothing():
    one, other = TASKS.validate(TASK), TASKS.validate(TASK | {"locks": "elsewhere"})
    assert one.decides() == other.decides() and "sizes" not in one.decides()


def test_a_variation_is_named_by_its_model():
    sizes = TASK["sizes"] | {"pythia-70m": {"bytes": 1, "parameters": 1}}
    name, settings = vary(TASKS.validate(TASK | {"sizes": sizes}), {"model": "pythia-70m"}, "here")
    assert name == "model=pythia-70m" and settings.model == "pythia-70m"


def test_what_cannot_be_known_is_asked_for():
    with pytest.raises(UserError, match=r"^revisions: which steps step\*:4 is, only a lock says"):
        TASKS.validate(TASK | {"revisions": ["step*:4"]}).check()
    with pytest.raises(UserError, match="^sizes: give pythia-70m"):
        TASKS.validate(TASK | {"model": "pythia-70m"}).check()
