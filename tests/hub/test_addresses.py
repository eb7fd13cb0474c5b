"""Addresses of published trajectories, and what the names of their revisions say."""

import pytest

from hallmarks.errors import UserError
from hallmarks.trajectory.hub.address import parse_address
from hallmarks.trajectory.hub.steps import step_of, template_of


@pytest.mark.parametrize(
    "text",
    [
        "hf://org/model@step0,step8,main",
        "hf://org/model@step*:4",
        "hf://org/model@stage1-step*-tokens*B",
        "hf://org/model",
        "hf://gpt2@main",
        "hf://org/model@v2#runs/a/step*:2",
        "hf://org/model-step*:2",
        "hf://org/model@refs/pr/1",
    ],
)
def test_an_address_is_said_as_it_is_read(text):
    assert str(parse_address(text)) == text


def test_a_folder_stands_for_those_in_it():
    assert str(parse_address("hf://org/model#checkpoints/")) == "hf://org/model#checkpoints/*"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hf://org/model:step0", "behind an @"),
        ("hf://org/model@", "a name is missing"),
        ("hf://org/model@step0,,step1", "a name is missing"),
        ("hf://org/model@step0,step1,step0", "names step0 twice"),
        ("hf://org/model@step0:4", "step*:4"),
        ("hf://org/model@step*:0", "step*:4"),
        ("hf://org/model@step*:4x", "step*:4"),
        ("hf://or*/model@step0", "org/model"),
        ("hf://a/b/c@step0", "org/model"),
        ("hf://", "a name is missing"),
        ("hf://org/model#", "name the folder"),
        ("hf://org/model@step0,step1#checkpoints/", "only one"),
        ("hf://org/model@step*#checkpoints/", "only one"),
        ("hf://org/model-step*#checkpoints/", "only one"),
        ("hf://org/model#a*/b*", "only the last"),
    ],
)
def test_what_is_no_address_is_refused(text, said):
    with pytest.raises(UserError, match=f"^{text.replace('*', '.')}.*{said.replace('*', '.')}"):
        parse_address(text)


@pytest.mark.parametrize(
    ("name", "template", "step"),
    [
        ("step143000", "step#", 143000),
        ("stage1-step150-tokens1B", "stage1-step#-tokens#", 150),
        ("stage2-ingredient1-step1000-tokens5B", "stage2-ingredient1-step#-tokens#", 1000),
        ("step0-seed-default", "step#-seed-default", 0),
        ("step1250-seed-large-aux-2", "step#-seed-large-aux-2", 1250),
        ("epoch3", "epoch#", 3),
        ("checkpoint-500", "checkpoint-#", 500),
        ("main", "main", None),
        ("seed1-fold2", "seed1-fold2", None),
    ],
)
def test_what_a_name_says(name, template, step):
    assert (template_of(name), step_of(name)) == (template, step)
