"""Claims of order and numbers, judged from tables of measures; the command and its refusals."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from hallmarks.claims import judging
from hallmarks.claims.judging import KINDS, claims_of, table_of
from hallmarks.claims.kinds.bound import Settings as Bound
from hallmarks.claims.kinds.order import Settings as Order
from hallmarks.claims.readings import Readings
from hallmarks.claims.rendering import render_claims
from hallmarks.claims.verdicts import ALL_SEEDS, MEAN, NOT, NOT_COMPARABLE, VERDICTS
from hallmarks.cli import main
from hallmarks.config.load import load_configuration
from hallmarks.measures import Kernel, derived, measure
from hallmarks.measures.file import read_measures
from hallmarks.origins.trained import inputs_of
from hallmarks.workflow.paper import open_paper
from hallmarks.workflow.settings import claims_settings
from smoke import ROOT


def judge(claims: list[dict], tables: dict, scale: str, kernels: dict | None = None) -> pd.DataFrame:
    """The claims' table, judged by tables of measures and kernels that are no files."""
    readings = Readings(None)
    for run, content in tables.items():
        readings.run(run).__dict__.update(measures=content, kernel=(kernels or {}).get(run))
    return table_of(judging.judge(claims, readings, scale))


def table(mds: float, n: int = 3, angles: tuple = (80.0, 100.0)) -> pd.DataFrame:
    """Points at epochs 0, 1, …, ten steps each."""
    rows = [("all", "mds", pd.NA, mds), ("other", "mds", pd.NA, 0.0)]
    rows += [("all", "norm", t, 1.0 + t) for t in range(n)]
    rows += [("all", "angle_updates", t + 1, angle) for t, angle in reversed(list(enumerate(angles)))]
    rows = pd.DataFrame(rows, columns=["group", "measure", "index", "value"]).astype({"index": "Int64"})
    return rows.assign(step=10 * rows["index"], epoch=rows["index"].astype(float))


def order(**values: list[float]) -> tuple[dict, dict]:
    """A claim that ω rises from a to b, and its measures: for each variation a value a seed."""
    runs = {name: [f"task/{name}/seed{k}" for k in range(len(mds))] for name, mds in values.items()}
    claim = {"id": "rises", "kind": "order", "statement": "ω rises", "section": "C.1", "measure": "mds"}
    claim |= {"reduce": "value", "ascending": list(values), "runs": runs}
    tables = {f"task/{name}/seed{k}": table(v) for name, mds in values.items() for k, v in enumerate(mds)}
    return claim, tables


@pytest.mark.parametrize(
    ("a", "b", "verdict", "note"),
    [
        ([0.1, 0.5, 0.3], [0.2, 0.6, 0.4], ALL_SEEDS, ""),
        ([0.1, 0.5, 0.3], [0.2, 0.9, 0.2], MEAN, "in 2 of 3 seeds"),
        ([0.1, 0.5], [0.1, 0.4], NOT, "in 0 of 2 seeds; in the mean a is not below b"),
        ([0.1], [0.1], NOT, "in 0 of 1 seeds; in the mean a is not below b"),
        ([0.1, np.nan], [0.2, 0.3], NOT_COMPARABLE, "mds of a is undefined"),
    ],
)
@pytest.mark.parametrize("scale", ["laptop", "paper"])
def test_order(a, b, verdict, note, scale):
    claim, tables = order(a=a, b=b)
    row = judge([claim], tables, scale).iloc[0]
    assert (row["verdict"], row["note"], row["paper"]) == (verdict, note, "a < b")


def test_order_names_the_pair_that_breaks_and_shows_every_mean():
    claim, tables = order(a=[0.1, 0.3], b=[0.5, 0.5], c=[0.4, 0.2])
    row = judge([claim], tables, "laptop").iloc[0]
    assert row["verdict"] == NOT and "b is not below c" in row["note"] and "a is" not in row["note"]
    assert row["ours"].split("; ")[0] == "a: 0.2000 ± 0.1414 (2 seeds)"


def test_order_by_position_and_with_more_runs_than_it_compares():
    claim, tables = order(a=[0.3], b=[0.2], c=[0.1])
    row = judge([claim | {"ascending": [2, 0]}], tables, "laptop").iloc[0]
    assert (row["paper"], row["verdict"]) == ("c < a", ALL_SEEDS)


def test_a_run_that_ended_early_is_not_compared():
    claim, tables = order(a=[0.1], b=[0.2])
    tables["task/a/seed0"] = table(0.1, n=2)
    row = judge([claim], tables, "paper").iloc[0]
    assert row["verdict"] == NOT_COMPARABLE and "a: 2; b: 3" in row["note"]


@pytest.mark.parametrize(
    "kind",
    [
        {},
        {"kind": "number", "paper": 0.1, "variation": "a"},
        {"kind": "bound", "variations": ["a"], "above": 0}
        | {"measure": "angle_updates", "reduce": "drop_change", "drops": [1.5], "unit": "epochs"},
    ],
)
def test_a_run_that_diverged_is_named(kind, tmp_path):
    claim, tables = order(a=[0.1, 0.1], b=[0.2, 0.2])
    tables["task/a/seed1"] = table(0.1, n=1, angles=())
    tables["task/a/seed1"].attrs["diverged"] = "diverged at epoch 3, step 30, learning rate 0.1"
    write(tmp_path / "measures", tables)
    read = {run: read_measures(tmp_path / f"measures/{run}.parquet") for run in tables}
    row = judge([claim | kind], read, "paper").iloc[0]
    assert row["verdict"] == NOT_COMPARABLE
    assert row["note"] == "task/a/seed1 diverged at epoch 3, step 30, learning rate 0.1"


@pytest.mark.parametrize(("reduce", "value"), [("mean", "90.0"), ("last", "100.0")])
def test_a_measure_along_the_trajectory_becomes_a_number(reduce, value):
    claim, tables = order(a=[0.1], b=[0.2])
    tables["task/a/seed0"] = table(0.1, angles=(80.0, 100.0))
    tables["task/b/seed0"] = table(0.1, angles=(85.0, 110.0))
    row = judge([claim | {"measure": "angle_updates", "reduce": reduce}], tables, "laptop").iloc[0]
    assert row["verdict"] == ALL_SEEDS and row["ours"].startswith(f"a: {value} (1 seed)")


@pytest.mark.parametrize(
    ("reduce", "unit", "drops", "values", "number"),
    [
        ("change", "epochs", [], (3.0, 9.0, 1.0), -2.0),
        # Phases 1–2, 3–4, 5–6; then 1–2 and 3–6. That it falls from phase to phase says nothing.
        ("phase_trend", "epochs", [3, 5], (4.0, 6.0, 2.0, 1.0, 0.1, 0.2), 2.0),
        ("phase_trend", "steps", [30], (6.0, 4.0, 4.0, 2.0, 2.0, 1.0), -1.5),
        # Around 4: 6 and 4 before, 1 and 3 after; the angle at the drop itself is of both phases.
        ("drop_change", "epochs", [4], (99.0, 6.0, 4.0, 50.0, 1.0, 3.0), -3.0),
        ("unsettled", "epochs", [2], (1.0, 9.0, 9.5, 10.0), 0.1),
        ("unsettled", "epochs", [2], (1.0, 16.0, 9.5, 8.0), 1.0),
    ],
)
def test_what_happens_along_the_trajectory_becomes_a_number(reduce, unit, drops, values, number):
    claim, tables = order(a=[0.1])
    tables["task/a/seed0"] = table(0.1, angles=values)
    claim = {key: claim[key] for key in ["id", "statement", "section", "runs"]}
    claim |= {"kind": "bound", "variations": [0], "measure": "angle_updates", "reduce": reduce}
    claim |= {"unit": unit, "drops": drops}
    for side, limit, verdict in [
        ("above", -0.01, ALL_SEEDS),
        ("above", 0.01, NOT),
        ("below", 0.01, ALL_SEEDS),
    ]:
        row = judge([claim | {side: number + limit}], tables, "laptop").iloc[0]
        assert row["verdict"] == verdict and row["paper"].endswith(f"{side} {number + limit:g}")
    assert row["ours"] == f"a: {number:.4f} (1 seed)"


def test_a_bound_may_hold_in_the_mean_of_each_variation_or_not():
    claim, tables = order(a=[0.1, 0.4], b=[0.2, 0.9])
    claim |= {"kind": "bound", "variations": ["a", "b"], "below": 0.3}
    row = judge([claim], tables, "laptop").iloc[0]
    assert (row["verdict"], row["note"]) == (NOT, "in 2 of 4 runs; in the mean not for b")
    row = judge([claim | {"variations": ["a"]}], tables, "laptop").iloc[0]
    assert (row["verdict"], row["note"]) == (MEAN, "in 1 of 2 runs")


def save_kernel(path, points, epochs):
    gram = np.concatenate([points[:1], np.diff(points, axis=0)])
    path.parent.mkdir(parents=True, exist_ok=True)
    steps = np.arange(len(points))
    np.savez(path, increments_gram=[gram @ gram.T], groups=["w"], numel=[2], step=steps, epoch=epochs)


def settings_file(folder, claims, scale="laptop"):
    """The settings of a table, as the workflow writes them, of results in the same folder."""
    path = folder / "claims.json"
    content = {"name": "claims", "title": "Claims", "scale": scale, "results": str(folder), "claims": claims}
    path.write_text(json.dumps(content))
    return str(path)


def test_measures_that_follow_from_the_kernel(tmp_path, capsys):
    """Two phases of two points each, alike within and at right angles across; then ω of every 2nd point."""
    claim, tables = order(a=[0.1])
    write(tmp_path / "measures", tables)
    points = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 3.0]])
    save_kernel(tmp_path / "kernels/task/a/seed0.npz", points, np.arange(4.0))
    claim = {key: claim[key] for key in ["statement", "section"]} | {"kind": "bound", "variations": [0]}
    claim |= {"seeds": [0], "runs": {"a": "task/a"}, "drops": [2], "unit": "epochs"}
    blocks = claim | {"id": "blocks", "measure": "block_contrast", "above": 0.99}
    coarser = claim | {"id": "coarser", "measure": "mds_every_2nd", "below": 0.51}
    command = ["claims", "--settings", settings_file(tmp_path, [blocks, coarser, coarser])]
    command += ["-o", str(tmp_path / "claims.csv"), "--strict"]
    assert main(command) == 0
    judged = pd.read_csv(tmp_path / "claims.csv")
    assert judged["ours"].tolist() == ["a: 1.0000 (1 seed)", "a: 0.5000 (1 seed)", "a: 0.5000 (1 seed)"]
    assert (
        judged["paper"].tolist() == ["mean cosine within phases less across above 0.99"] + ["below 0.51"] * 2
    )
    (tmp_path / "kernels/task/a/seed0.npz").unlink()
    assert main(command) == 2
    assert "kernels/task/a/seed0.npz: no such kernel" in capsys.readouterr().err


def test_a_derived_measure_is_one_file(tmp_path, monkeypatch):
    """A file more in the folder is a measure that a claim can name."""
    (tmp_path / "points_kept.py").write_text(
        "def derive(kernel, phases):\n    return float(len(kernel.step))\n"
    )
    monkeypatch.setattr(derived, "__path__", [*derived.__path__, str(tmp_path)])
    assert set(derived.names()) == {
        *("block_contrast", "layers_differ", "mds_every_2nd", "mds_every_5th", "mds_unsettled"),
        *("middle_settles_later", "points_kept"),
    }
    claim, tables = order(a=[0.1])
    save_kernel(tmp_path / "kernel.npz", np.eye(3), np.arange(3.0))
    kernels = dict.fromkeys(tables, Kernel.load(tmp_path / "kernel.npz"))
    claim |= {"kind": "bound", "variations": ["a"], "measure": "points_kept", "above": 2}
    assert judge([claim], tables, "laptop", kernels)["ours"].item() == "a: 3.0000 (1 seed)"
    stated = {
        "kind": "bound",
        "statement": "",
        "section": "",
        "experiment": "e",
        "variations": [0],
        "above": 2,
    }
    typed = Bound(**stated, measure="points_kept")
    assert typed.reads() == "kernels" and not typed.needs_drops()
    assert typed.modules() == ["hallmarks.claims.kinds.bound", "hallmarks.measures.derived.points_kept"]


def test_what_the_workflow_asks_of_a_claim():
    stated = {"statement": "ω rises", "section": "C.1", "experiment": "e"}
    claim = Order(**stated, kind="order", ascending=[2, 0])
    assert claim.positions() == [2, 0] and not claim.needs_drops() and claim.reads() == "measures"
    assert claim.with_labels(["a", "b", "c"])["ascending"] == ["c", "a"]
    number = KINDS["number"].Settings(**stated, kind="number", variation=1, paper=0.5)
    assert number.positions() == [1] and number.with_labels(["a", "b"])["variation"] == "b"
    bound = stated | {"kind": "bound", "variations": [0], "above": 0}
    assert Bound(**bound, measure="norm", reduce="phase_trend").needs_drops()
    assert Bound(**bound, measure="block_contrast").needs_drops()
    assert not Bound(**bound, measure="norm", reduce="change").needs_drops()


def test_checking_a_configuration_imports_no_pandas():
    kinds = "from hallmarks.claims.kinds import bound, number, order"
    code = f"import sys; {kinds}; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize(
    ("ours", "scale", "verdict", "note"),
    [
        ([0.76, 0.77], "paper", ALL_SEEDS, ""),
        ([0.73, 0.79], "paper", MEAN, "in 0 of 2 seeds within 3%"),
        ([0.6, 0.7], "paper", NOT, "in 0 of 2 seeds within 3%"),
        ([0.764], "laptop", NOT_COMPARABLE, "ours is at laptop scale"),
        ([np.nan], "paper", NOT_COMPARABLE, "mds of default is undefined"),
    ],
)
def test_number(ours, scale, verdict, note):
    claim, tables = order(default=ours)
    claim = {key: claim[key] for key in ["id", "statement", "section", "runs"]}
    row = judge([claim | {"kind": "number", "variation": 0, "paper": 0.764}], tables, scale).iloc[0]
    assert (row["verdict"], row["paper"], row["note"]) == (verdict, "0.764", note)


def write(folder, tables):
    for run, rows in tables.items():
        (folder / run).parent.mkdir(parents=True, exist_ok=True)
        rows.to_parquet(folder / f"{run}.parquet")


def test_command_writes_both_tables(tmp_path, capsys):
    claim, tables = order(a=[0.2], b=[0.1])
    write(tmp_path / "measures", tables)
    statement = "ω_{0} < 1 & {rises} {{ snakemake.x }} {wildcards} $x_1$ %s"
    settings = settings_file(tmp_path, [claim | {"statement": statement}])
    output = tmp_path / "tables" / "claims.csv"
    command = ["claims", "--settings", settings, "-o", str(output)]
    assert main(command) == 0
    assert main([*command, "--strict"]) == 1
    assert f"{NOT}: rises" in capsys.readouterr().out
    judged = pd.read_csv(output)
    assert judged["verdict"].tolist() == [NOT] and judged["statement"].tolist() == [statement]
    page = output.with_suffix(".html").read_text()
    assert "<h3>ω_{0} &lt; 1 &amp; {rises} {{ snakemake.x }} {wildcards} $x_1$ %s</h3>" in page
    assert "laptop scale" in page and NOT in page
    assert {path.name for path in output.parent.iterdir()} == {"claims.csv", "claims.html"}


def test_command_refuses_in_one_line(tmp_path, capsys):
    claim, tables = order(a=[0.1], b=[0.2])
    measures = tmp_path / "measures"
    write(measures, tables)
    (measures / "task/b/seed0.parquet").write_bytes(b"PAR1 not a table PAR1")

    def refused(claims, *words, output="claims.csv"):
        settings = claims if isinstance(claims, str) else settings_file(tmp_path, claims)
        assert main(["claims", "--settings", settings, "-o", output]) == 2
        message = capsys.readouterr().err
        assert all(word in message for word in words) and message.count("\n") == 1, message

    for text in ["{}", "{", "[]"]:
        (tmp_path / "damaged.json").write_text(text)
        refused(str(tmp_path / "damaged.json"), "damaged.json", "not the settings")
    refused(str(tmp_path / "none.json"), "none.json")
    refused("claims", "no such settings")
    refused(settings_file(tmp_path, "all"), "claims: the settings hold a list")
    refused([claim], "seed0.parquet", "not a table")
    (measures / "task/b/seed0.parquet").unlink()
    refused([claim], "task/b/seed0.parquet", "hallmarks measure")
    write(measures, tables)
    refused([claim | {"ascending": ["a", "z"]}], "claim rises", "'z'", "a, b")
    refused([claim | {"kind": "rank"}], "claim rises", "'rank'")
    refused([{key: claim[key] for key in claim if key != "ascending"}], "claim rises", "'ascending'")
    refused([claim | {"measure": "mdss"}], "claim rises", "'mdss'", "mds, norm")
    refused([claim], "claims.txt", output="claims.txt")


def weights_of(depth: int) -> list[str]:
    """What the weights of a language model's queries, keys and values are called once they are split."""
    roles = ("query", "key", "value")
    return [f"gpt_neox.layers.{layer}.attention.{role}.weight" for layer in range(depth) for role in roles]


def test_all_of_the_papers_claims_can_be_judged_from_its_runs():
    """Of made-up trajectories: which runs are compared, and what is read of them, is what counts."""
    paper = open_paper(
        load_configuration([ROOT / "config.yaml", ROOT / "config/smoke.yaml"]).model_dump(), []
    )
    runs = {run for row in paper.experiments.values() for each in row for run in each.names}
    draw, kernels = np.random.default_rng(0), {}
    for run in sorted(runs):
        settings = paper.runs[run].settings
        model = getattr(settings, "model", None)  # not of a run that is simulated, or branches from another
        groups = weights_of(model.depth) if inputs_of(model) == "tokens" else ["w"]
        walks = draw.standard_normal((len(groups), settings.cost().points, 20))
        steps = np.arange(walks.shape[1])
        kernels[run] = Kernel(
            walks @ walks.swapaxes(1, 2), groups, np.full(len(groups), 20), steps, steps.astype(float)
        )
    tables = {run: measure(kernel, run) for run, kernel in kernels.items()}
    of_runs = [
        name for name, claim in paper.config.claims.items() if claim.reads() in {"kernels", "measures"}
    ]
    asked = [claim for claim in claims_of(claims_settings(paper)) if claim["id"] in of_runs]
    judged = judge(asked, tables, paper.config.scale, kernels)
    assert list(judged["id"]) == of_runs and judged["verdict"].isin(VERDICTS).all()
    not_comparable = judged["verdict"] == NOT_COMPARABLE
    # At smoke scale some variations are listed as often as the claims count.
    assert set(judged["note"][not_comparable]) == {"ours is at smoke scale", "variations are equal"}
    assert not not_comparable.all()


def test_no_claims_is_an_empty_table():
    assert judge([], {}, "smoke").empty and "at smoke scale" in render_claims([], {"scale": "smoke"})
