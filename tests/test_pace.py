"""Snakemake's scheduler looks for ready jobs when one ends, and leaves the cores to the jobs in between."""

import pytest
from tiny import Tiny, configuration

RUNS = 5


@pytest.fixture
def looks(tmp_path):
    """How often it looks while simulated runs are made one by one, under a limit of jobs a timespan."""
    tasks = {
        "heavy-ball": {"origin": "simulated", "curvatures": [1.0], "length": 3, "learning_rate": 0.1}
        | {"choices": {"curvatures": "one"}}
    }
    of = {"title": "One", "section": "1", "task": "heavy-ball", "variations": [{}], "seeds": [*range(RUNS)]}
    config = configuration() | {"tasks": tasks, "experiments": {"one": of}, "claims": {}}
    tiny = Tiny(tmp_path, config)

    def count(cores: int, limit: str) -> int:
        limits = f"--cores={cores}", f"--max-jobs-per-timespan={limit}"
        done = tiny.snakemake(*limits, "--verbose", "train_all")
        assert done.returncode == 0, done.stderr
        return done.stderr.count("Ready jobs: ")

    return count


def test_it_looks_once_for_each_job_that_ends(looks):
    assert looks(1, "1000/1s") == RUNS + 1  # and for `train_all`


def test_a_limit_that_can_be_reached_stays(looks):
    assert looks(2, "1/1s") > RUNS + 1
