"""A branch that is added once its parent is trained, and the parent's points are gone, in the workflow."""

from tiny import ROOT, Tiny, configuration

from hallmarks.planning.estimates import AGAIN, Estimator
from hallmarks.planning.jobs import Job
from hallmarks.trajectory.reader import read_trajectory
from hallmarks.workflow.paper import open_paper
from hallmarks.workflow.results import Results

PARENT, BRANCH = "tiny/default/seed0", "branch/default/seed0"


def test_a_branch_that_is_added_later(tmp_path, monkeypatch):
    config = configuration() | {"keep_trajectories": False}
    config["tasks"]["tiny"]["recipe"]["length"] = 2
    assert Tiny(tmp_path, config).snakemake("map").returncode == 0
    folder = tmp_path / "results/runs"
    before = {path: path.stat().st_mtime_ns for path in (folder / PARENT).rglob("*") if path.is_file()}
    assert not any(path.name.startswith("point") for path in before)

    config["tasks"]["branch"] = {"origin": "branched", "parent": "tiny", "at": 1, "trains": "all"}
    config["experiments"]["two"] = config["experiments"]["one"] | {"task": "branch"}
    tiny, target = Tiny(tmp_path, config), f"results/runs/{BRANCH}/trajectory/trajectory.json"
    assert tiny.planned("map") == {}
    assert tiny.planned(target) == {"train": 1}

    def rates() -> tuple[str, ...]:
        return Estimator(Results(open_paper(config, []), ROOT))(Job("train", BRANCH, "new", 1, {})).rates

    monkeypatch.chdir(tmp_path)
    assert AGAIN in rates()
    made = tiny.snakemake(target)
    assert made.returncode == 0, made.stderr[-3000:]
    assert "are trained again" in (tmp_path / f"results/logs/train/{BRANCH}.log").read_text()
    assert before == {
        path: path.stat().st_mtime_ns for path in (folder / PARENT).rglob("*") if path.is_file()
    }
    parent, branch = (read_trajectory(folder / run / "trajectory").points for run in (PARENT, BRANCH))
    assert [point.sha256 for point in branch] == [point.sha256 for point in parent[1:]]
    assert tiny.planned(target) == tiny.planned("map") == {}
    assert AGAIN not in rates()  # the state is kept, for other branches
