"""The claims' page, what it draws and links; and claims over logs and studies, and of the kinds with them."""

import json
import re
from urllib.parse import unquote

import pandas as pd
import pytest
from pydantic import ValidationError
from tiny import ROOT, configuration

from hallmarks.claims.judging import KINDS, judge, judge_all, table_of
from hallmarks.claims.readings import Readings
from hallmarks.claims.rendering import render_claims
from hallmarks.claims.strip import strip
from hallmarks.claims.verdicts import ALL_SEEDS, MEAN, NOT, NOT_COMPARABLE
from hallmarks.config.load import check
from hallmarks.errors import UserError
from hallmarks.workflow.paper import open_paper
from hallmarks.workflow.results import Result, Results
from hallmarks.workflow.targets import named

STATED = {"id": "c", "statement": "it holds", "section": "1"}


def save_log(folder, run: str, test: float, train: float = 0.5, diverged: dict | None = None) -> None:
    """A run of two epochs that ends with these accuracies, and nothing else of it."""
    path = folder / "runs" / run
    (path / "trajectory").mkdir(parents=True)
    (path / "log.csv").write_text(f"epoch,train_accuracy,test_accuracy\n1,0.1,0.1\n2,{train},{test}\n")
    end = {"diverged": diverged} if diverged else {}
    (path / "trajectory/trajectory.json").write_text(json.dumps({"points": [], "parameters": {}} | end))


def accuracies(folder, **values: list[float]) -> dict:
    """A claim's `runs`, each with its log: for each variation a test accuracy a seed."""
    for name, accuracy in values.items():
        for seed, value in enumerate(accuracy):
            save_log(folder, f"task/{name}/seed{seed}", value)
    return {name: [f"task/{name}/seed{k}" for k in range(len(v))] for name, v in values.items()}


def verdict_of(folder, scale: str = "laptop", **claim) -> pd.Series:
    return table_of(judge([STATED | claim], Readings(folder), scale)).iloc[0]


def test_a_claim_over_logs_needs_no_kernel_and_is_in_percent(tmp_path):
    runs = accuracies(tmp_path, a=[0.5, 0.51], b=[0.6, 0.62])
    of_order = {"kind": "order", "experiment": "e", "measure": "test_accuracy", "ascending": ["a", "b"]}
    row = verdict_of(tmp_path, **of_order, runs=runs)
    assert (row["verdict"], row["ours"].split("; ")[1]) == (ALL_SEEDS, "b: 61.0 ± 1.4 (2 seeds)")
    number = {"kind": "number", "experiment": "e", "measure": "train_accuracy", "variation": "a"}
    row = verdict_of(tmp_path, "paper", **number, runs=runs, paper=50)
    assert (row["verdict"], row["ours"]) == (ALL_SEEDS, "50.0 ± 0.0 (2 seeds)")
    save_log(tmp_path, "task/b/seed2", 0.9, diverged={"epoch": 3.0, "step": 30, "learning_rate": 0.1})
    row = verdict_of(tmp_path, **of_order, runs={"a": runs["a"], "b": ["task/b/seed2"]})
    assert (row["verdict"], row["note"]) == (NOT_COMPARABLE, "task/b/seed2 diverged at epoch 3, step 30")
    (tmp_path / "runs/task/a/seed0/log.csv").write_text("epoch\n")
    with pytest.raises(UserError, match=r"claim c: .*seed0/log\.csv: has no row of test_accuracy"):
        verdict_of(tmp_path, **of_order, runs=runs)


def save_study(folder, **columns) -> None:
    (folder / "studies").mkdir(exist_ok=True)
    pd.DataFrame(columns).to_csv(folder / "studies/width.csv", index=False)


def test_a_claim_over_a_study(tmp_path):
    """Widths by seed, in one parametrisation of two; the numbers of the other would not hold."""
    half = {"width": [64, 64, 256, 256], "seed": [0, 1, 0, 1]}
    save_study(
        tmp_path,
        parametrisation=["standard"] * 4 + ["mup"] * 4,
        **{key: values * 2 for key, values in half.items()},
        cosine=[0.90, 0.91, 0.96, 0.97, 0.5, 0.5, 0.4, 0.4],
    )
    of_width = {
        "study": "width",
        "by": "width",
        "measure": "cosine",
        "where": {"parametrisation": "standard"},
    }
    row = verdict_of(tmp_path, **of_width, kind="order", ascending=[0, 1])
    assert (row["verdict"], row["paper"]) == (ALL_SEEDS, "width 64 < width 256")
    assert row["ours"].startswith("width 64: 0.9050 ± 0.0071 (2 seeds)")
    tends = of_width | {"kind": "tends", "variations": None, "limit": 1}
    assert verdict_of(tmp_path, **tends)["verdict"] == ALL_SEEDS
    assert verdict_of(tmp_path, **tends | {"where": {"parametrisation": "mup"}})["verdict"] == NOT
    number = {"study": "width", "kind": "number", "measure": "cosine", "variation": 0, "paper": 0.9}
    with pytest.raises(UserError, match="claim c: width has several rows of a seed for cosine; say which"):
        verdict_of(tmp_path, **number)
    number["where"] = {"parametrisation": "standard", "width": 64}
    assert verdict_of(tmp_path, **number)["verdict"] == ALL_SEEDS  # nothing was trained: at any scale
    for change, said in [
        ({"measure": "cosin"}, "no column 'cosin'; it has parametrisation, width, seed, cosine"),
        ({"where": {"parametrisation": "ntk"}}, "no row of parametrisation ntk"),
        ({"variations": [0, 2]}, "no variation 2; there are width 64, width 256"),
    ]:
        with pytest.raises(UserError, match=said):
            verdict_of(tmp_path, **tends | change)


@pytest.mark.parametrize(
    ("cosines", "verdict"),
    [
        ([[0.8, 0.8], [0.85, 0.85], [0.9, 0.91]], ALL_SEEDS),
        ([[0.8, 0.8], [0.85, 0.79], [0.9, 0.91]], MEAN),
        ([[0.8, 0.8], [0.85, 0.85], [0.88, 0.88]], NOT),  # falls, but not by a half
        ([[1.2, 1.2], [0.85, 0.85], [1.02, 0.99]], ALL_SEEDS),  # from either side
    ],
)
def test_tends(tmp_path, cosines, verdict):
    widths = [width for width in (1, 2, 3) for _ in range(2)]
    save_study(tmp_path, width=widths, seed=[0, 1] * 3, cosine=sum(cosines, []))
    claim = {"kind": "tends", "study": "width", "by": "width", "measure": "cosine", "limit": 1}
    assert verdict_of(tmp_path, **claim, variations=None)["verdict"] == verdict


@pytest.mark.parametrize(
    ("late", "last", "verdict", "note"),
    [
        # The reference: 0.90 and 0.92, with a standard deviation of 1.4%.
        ([0.89, 0.92], [0.95, 0.95], ALL_SEEDS, "from late on"),
        ([0.88, 0.93], [0.9, 0.92], ALL_SEEDS, "from last on"),
        ([0.95, 0.95], [0.88, 0.93], MEAN, "from late on"),
        ([0.95, 0.95], [0.8, 0.8], NOT, "not even last"),
    ],
)
def test_matches(tmp_path, late, last, verdict, note):
    runs = accuracies(tmp_path, early=[0.5, 0.5], late=late, last=last, never=[0.9, 0.92])
    claim = {"kind": "matches", "experiment": "e", "measure": "test_accuracy", "variations": list(runs)}
    row = verdict_of(tmp_path, **claim, runs=runs)
    assert (row["verdict"], row["note"]) == (verdict, note)


def test_a_reference_of_one_seed_has_no_spread(tmp_path):
    runs = accuracies(tmp_path, late=[0.9], never=[0.9])
    claim = {"kind": "matches", "experiment": "e", "measure": "test_accuracy", "variations": list(runs)}
    assert verdict_of(tmp_path, **claim, runs=runs)["verdict"] == NOT_COMPARABLE
    judged = judge([STATED | claim | {"runs": runs}], Readings(tmp_path), "laptop")
    assert "nan%" not in render_claims(judged, {"scale": "laptop"})


def test_a_bound_of_two_sides(tmp_path):
    runs = accuracies(tmp_path, a=[0.8, 0.9])
    claim = {
        "kind": "bound",
        "experiment": "e",
        "measure": "test_accuracy",
        "variations": ["a"],
        "runs": runs,
    }
    row = verdict_of(tmp_path, **claim, above=79, below=91)
    assert (row["verdict"], row["paper"]) == (ALL_SEEDS, "above 79 and below 91")
    assert verdict_of(tmp_path, **claim, above=79, below=88)["verdict"] == MEAN


@pytest.mark.parametrize(
    ("kind", "change", "said"),
    [
        ("order", {"ascending": [0, 1]}, "an `experiment` or a `study`"),
        ("order", {"ascending": [0, 1], "experiment": "e", "study": "s"}, "an `experiment` or a `study`"),
        ("order", {"ascending": [0, 1], "experiment": "e", "by": "width"}, "table of a study"),
        ("order", {"ascending": [0, 1], "study": "s"}, "give the `measure`"),
        ("order", {"ascending": [0, 1], "study": "s", "measure": "m", "reduce": "last"}, "a study has none"),
        ("tends", {"experiment": "e", "limit": 1}, "name the `variations`"),
        ("matches", {"experiment": "e", "variations": [0, 1, 0]}, "cannot match itself"),
        ("bound", {"experiment": "e", "variations": [0], "measure": "norm"}, "or both; give one"),
        (
            "bound",
            {"experiment": "e", "variations": [0], "measure": "norm", "above": 2, "below": 1},
            "no number",
        ),
    ],
)
def test_what_a_claim_must_say(kind, change, said):
    stated = {"kind": kind, "statement": "", "section": ""}
    with pytest.raises(ValidationError, match=said):
        KINDS[kind].Settings(**stated | change)


def test_the_picture_has_every_seed_and_dashes_what_breaks_the_order():
    rows = {
        "a": pd.Series({"seed0": 1.0, "seed1": 2.0}),
        "b": pd.Series({"seed0": 4.0}),
        "c": pd.Series([3.0]),
    }
    picture = strip(rows, rising=True)
    points = [float(x) for x in re.findall(r'<circle cx="([0-9.]+)%"', picture)]
    assert [sorted(points).index(x) for x in points] == [0, 1, 3, 2]
    assert re.findall(r'<line class="(rises|falls)"', picture) == ["rises", "falls"]
    assert picture.count('class="mean"') == 3 and picture.count('class="spread"') == 1
    assert "a, seed1: 2.0000" in picture
    bounded = strip(rows, limits=(0.0, None), marks={"b": 5.0})
    assert bounded.count('class="limit"') == 1 and bounded.count("◇") == 1
    assert strip({"a": pd.Series([float("nan")])}) == ""


def test_the_page_escapes_text_and_links_only_to_what_exists(tmp_path):
    odd = 'a<b>&"c" {x}'
    runs = accuracies(tmp_path, **{"x=1+y": [0.5, 0.6], "default": [0.7, 0.8]})
    save_study(tmp_path, seeds=["0 and 1"], cosine=[0.37])
    for path in ("figures/fig12.png", "tables/width.html"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
    about = {"section": "1", "title": odd, "task": "task", "recipe": odd}
    order = {
        "kind": "order",
        "experiment": "e",
        "figure": "fig12",
        "measure": "test_accuracy",
        "seeds": [0, 1],
    }
    order |= {"ascending": [odd, "default"]}
    order |= {"runs": {odd: "task/x=1+y", "default": "task/default"}}
    number = {"kind": "number", "study": "width", "measure": "cosine", "variation": 0, "paper": 0.374}
    settings = {"scale": "laptop", "results": tmp_path, "experiments": {"e": about}}
    settings |= {"figures": {"fig12": "Figure 12"}}
    settings["claims"] = [STATED | order | {"statement": odd}, STATED | number | {"id": "n"}]
    judged = judge_all(settings)
    page = render_claims(judged, settings)
    assert odd not in page and page.count("a&lt;b&gt;&amp;&quot;c&quot; {x}") >= 4
    links = [unquote(link) for link in re.findall(r'href="\.\./([^"]*)"', page)]
    assert set(links) == {"figures/fig12.png", "tables/width.html", "runs/task/x=1+y/", "runs/task/default/"}
    assert all((tmp_path / link).exists() for link in links)
    assert {link for link in re.findall(r'href="#([^"]*)"', page)} <= set(re.findall(r'id="([^"]*)"', page))
    assert page.count("<circle") == len(runs) * 2 + 1


def test_what_is_not_in_all_is_made_by_name_only(tmp_path):
    content = configuration()
    content["experiments"]["why"] = content["experiments"]["one"] | {
        "variations": [{"width": 2}],
        "in_all": False,
    }
    content["figures"]["why-map"] = content["figures"]["map"] | {"experiments": ["one", "why"]}
    results = Results(open_paper(content, []), ROOT, tmp_path)
    assert results.paper.in_all(results.paper.config.figures) == ["map"] and len(results.paper.runs) == 2
    assert named(results, "train_all") == {Result("runs", "tiny/default/seed0")}
    assert {each.name for each in named(results, "all")} == {"map", "claims"}
    assert named(results, "why-map") == {Result("figures", "why-map")}
    assert named(results, "one") == {Result("figures", "map")}
    assert named(results, "why") == {Result("figures", "why-map")}
    content["claims"]["grows"]["experiment"] = "why"
    with pytest.raises(UserError, match="claims.grows: why is not made by `all`, as claims are"):
        check(content, "config")


@pytest.mark.parametrize(
    ("variations", "said"),
    [
        ([{}, {}], "(default: none)"),
        ([{"schedule": {"name": "drops", "at": [1]}, "length": 3}] * 2, ""),
        (
            [{"schedule": {"name": "drops", "at": [at]}, "length": 3} for at in (1, 2)],
            "schedule.name drops: [1]; length 3, schedule.at 2, schedule.name drops: [2]",
        ),
    ],
)
def test_a_claim_about_drops_asks_for_equal_ones(variations, said):
    content = configuration()
    content["experiments"]["one"]["variations"] = variations
    content["claims"]["grows"] |= {"reduce": "drop_change", "variations": [0, 1]}
    if not said:
        assert open_paper(content, []).claim_times["grows"].drops == [1]
    else:
        with pytest.raises(UserError, match="claims.grows is about drops") as refused:
            open_paper(content, [])
        assert said in str(refused.value)
