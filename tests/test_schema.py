"""The JSON schema of the configuration, for editors: that of the types, and it tells right from wrong."""

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from hallmarks.config.load import overlay, read_yaml
from hallmarks.config.schema import schema

ROOT = Path(__file__).parents[1]
PAPER = read_yaml(ROOT / "config.yaml")
SCHEMA = Draft202012Validator(json.loads(schema()))


def changed(way: str, value) -> dict:
    """The paper's configuration with one key set, or taken away where the value is None."""
    content = yaml.safe_load(yaml.safe_dump(PAPER))
    *parents, last = way.split("/")
    place = content
    for key in parents:
        place = place[key]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return content


def test_the_schema_is_that_of_the_types():
    head = (ROOT / "config.yaml").read_text().splitlines()[0]
    named = head.removeprefix("# yaml-language-server: $schema=")
    assert (ROOT / named).read_text() == schema(), "make schema writes it anew"


@pytest.mark.parametrize("scale", ["laptop", "smoke", "paper"])
def test_the_schema_takes_the_paper_and_its_overlays(scale):
    Draft202012Validator.check_schema(SCHEMA.schema)
    SCHEMA.validate(overlay(PAPER, read_yaml(ROOT / f"config/{scale}.yaml")))


@pytest.mark.parametrize(
    ("way", "value"),
    [
        ("tasks/vgg16-cifar10/origin", "trained"),
        ("tasks/vgg16-cifar10/recipe/schedule", None),
        ("tasks/vgg16-cifar10/recipe/schedule", {"name": "constant"}),
        ("tasks/vgg16-cifar10/recipe/schedule", {}),
        ("tasks/vgg16-cifar10/recipe/optimizer/name", None),
        ("tasks/vgg16-cifar10/recipe/objective", {"name": "classification"}),
        ("claims/batch-mds/reduce", "mean"),
        ("figures/fig2/experiments", []),
    ],
)
def test_the_schema_takes_what_is_right(way, value):
    SCHEMA.validate(changed(way, value))


@pytest.mark.parametrize(
    ("way", "value"),
    [
        ("tasks/vgg16-cifar10/recipe/lenght", 3),
        ("tasks/vgg16-cifar10/origin", "fetched"),
        ("tasks/vgg16-cifar10/recipe/optimizer/learning_rate", -0.1),
        ("tasks/vgg16-cifar10/recipe/optimizer/name", "sdg"),
        ("tasks/vgg16-cifar10/recipe/schedule/name", "constant"),  # which has no drops
        ("tasks/vgg16-cifar10/recipe/schedule/name", None),  # the constant one is meant then
        ("tasks/vgg16-cifar10/recipe/objective", {"name": "regression"}),
        ("tasks/vgg16-cifar10/model", {}),
        ("tasks/vgg16-cifar10/model/name", "vgg61"),
        ("tasks/vgg16-cifar10/data/name", None),
        ("experiments/switch-off/variations", []),
        ("studies/random-init/study", None),
        ("studies/random-init/study", "initialisation"),
        ("claims/batch-mds/kind", "rank"),
        ("claims/batch-mds/kind", None),
        ("claims/batch-mds/above", 0),  # of another kind
        ("figures", {"Fig 2": PAPER["figures"]["fig2"]}),
    ],
)
def test_the_schema_refuses_what_is_wrong(way, value):
    assert not SCHEMA.is_valid(changed(way, value))
