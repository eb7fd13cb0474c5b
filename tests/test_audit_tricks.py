"""What an auditor tried who wants to cheat, beyond the table of test_audit.py: nothing of it is missed."""

import base64
import hashlib
import io
import json
import os
import shutil
import subprocess
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from audited import KERNEL, RUN, Copy, append, leave_unfinished, measure_again, move_run
from matplotlib.figure import Figure

from hallmarks.cli import main
from hallmarks.provenance.audit import Node
from hallmarks.provenance.pictures import stamped
from hallmarks.provenance.rederive import TOLERANCE, gram_distance, outcome, tables
from hallmarks.provenance.store import prefix_of
from smoke import BIN

FIGURE = "figures/map"
BEGUN = "provenance/begun"


def content_of(copy: Copy, target: str) -> dict:
    return json.loads(copy.record_of(target).read_text())


def said_of(copy: Copy, path: str) -> dict:
    """What a record would say of a file as it is now."""
    data = (copy.results / path).read_bytes()
    return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def edit_numbers(copy: Copy) -> None:
    """Change a cell of the figure's numbers."""
    copy.flip(f"{FIGURE}.csv", -2)


def record_of_another(copy: Copy) -> None:
    """A measure's record, with its real attempt, says that it wrote the figure's numbers."""
    edit_numbers(copy)
    content = content_of(copy, f"measures/{RUN}")
    content["outputs"][f"{FIGURE}.csv"] = said_of(copy, f"{FIGURE}.csv")
    copy.add(content)


def record_of_an_acceptance(copy: Copy) -> None:
    """A record that accepts, which need not be the figure's, says that it wrote the figure's numbers."""
    edit_numbers(copy)
    content = content_of(copy, FIGURE) | {"kind": "accepted", "target": "accept map", "rule": "accept"}
    content |= {"attempt": f"{prefix_of('accept map')}-20260101T000000-00000000", "supersedes": []}
    copy.add(content | {"outputs": {f"{FIGURE}.csv": said_of(copy, f"{FIGURE}.csv")}})


def second_end(copy: Copy) -> None:
    """A second record of the figure's real attempt."""
    edit_numbers(copy)
    content = content_of(copy, FIGURE)
    content["outputs"][f"{FIGURE}.csv"] = said_of(copy, f"{FIGURE}.csv")
    copy.add(content)


def other_beginning(copy: Copy) -> None:
    """Trained before the claim was stated: its record says that it began later."""
    copy.forge(f"runs/{RUN}", lambda said: said["execution"].update(begun="2030-01-01T00:00:00+00:00"), True)


def forget_an_attempt(copy: Copy) -> None:
    """An attempt that was killed, before one that ended well, leaves no trace."""
    leave_unfinished(copy)
    measure_again(copy)
    (killed,) = (copy.results / BEGUN).glob("*-ffffffff.json")
    killed.unlink()


def halve_an_older_record(copy: Copy) -> None:
    """Of the figure as it was drawn before."""
    newest = copy.record_of(FIGURE)
    for path in (copy.results / "provenance/records").glob("*.json"):
        if json.loads(path.read_text())["target"] == FIGURE and path != newest:
            path.write_bytes(path.read_bytes()[:100])


def junk(text: str) -> Callable[[Copy], object]:
    """A rightly named record that is none."""

    def change(copy: Copy) -> None:
        name = hashlib.sha256(text.encode()).hexdigest()
        (copy.results / f"provenance/records/{name}.json").write_text(text)

    return change


def forge_removal(copy: Copy) -> None:
    """Points are deleted, and a record says that they were removed in order."""
    run = f"runs/{RUN}"
    for path in (copy.results / run / "trajectory").glob("point*"):
        path.unlink()
    (copy.results / run / "removed.json").write_text("{}")
    content = content_of(copy, run) | {"kind": "removed", "target": f"{run}/removed", "rule": "discard"}
    content |= {"attempt": f"{prefix_of(f'{run}/removed')}-20260101T000000-00000000", "supersedes": []}
    copy.add(content | {"outputs": {f"{run}/removed.json": said_of(copy, f"{run}/removed.json")}})


def accept_by_hand(copy: Copy) -> None:
    """The kernel's code is edited, and a file says that the kernel stands."""
    append(copy, "kernel/gram.py", "EDITED = 1\n")
    done = copy.run("accept", "all", "--why", "it is fine", "--profile", "smoke")
    assert done.returncode == 0, done.stderr
    for path in (copy.results / "provenance/records").glob("*.json"):
        content = json.loads(path.read_text())
        if content["kind"] == "accepted":
            path.unlink()
            (copy.results / BEGUN / f"{content['attempt']}.json").unlink()


def path_outside(copy: Copy) -> None:
    def change(content: dict) -> None:
        content["outputs"]["../../outside.csv"] = content["outputs"][f"{FIGURE}.csv"]

    copy.forge(FIGURE, change, True)


def too_large(copy: Copy) -> None:
    """A number that no canonical JSON holds, in a record whose name is right."""
    path = copy.record_of(FIGURE)
    content = json.loads(path.read_text())
    content["derivation"]["settings"]["seed"] = 2**60
    path.unlink()
    copy.add(content)


def other_key(copy: Copy) -> None:
    """The picture holds the key of another derivation, and its record says so."""
    path = copy.results / f"{FIGURE}.png"
    key = content_of(copy, FIGURE)["key"]
    path.write_bytes(path.read_bytes().replace(key.encode(), key[::-1].encode()))
    said = {f"{FIGURE}.png": said_of(copy, f"{FIGURE}.png")}
    copy.forge(FIGURE, lambda content: content["outputs"].update(said), True)


def change_settings(copy: Copy) -> None:
    """The record's settings are others, and its key is theirs; the picture holds the key from before."""
    copy.forge(FIGURE, lambda said: said["derivation"]["settings"].update(title="A better title"), True)


def cut_the_chain(copy: Copy) -> None:
    """The record says that the figure was made of other bytes of the kernel."""

    def change(content: dict) -> None:
        content["derivation"]["inputs"][0]["sha256"] = "0" * 64

    copy.forge(f"measures/{RUN}", change, True)


def delete_configuration(copy: Copy) -> None:
    """What was configured is not kept any more: which claims there were before a run nobody can say."""
    kept = content_of(copy, f"runs/{RUN}")["execution"]["workflow"]["config.yaml"]
    (copy.results / "provenance/sources" / kept).unlink()


def edit_kept_source(copy: Copy) -> None:
    kept = content_of(copy, KERNEL)["derivation"]["sources"]["src/hallmarks/kernel/gram.py"]
    path = copy.results / "provenance/sources" / kept
    path.write_bytes(path.read_bytes() + b"# as it should have been\n")


def another_point(copy: Copy) -> None:
    points = copy.results / f"runs/{RUN}/trajectory"
    shutil.copy(points / "point-00001.safetensors", points / "point-00099.safetensors")


def linked_folder(copy: Copy) -> None:
    """Pictures that lie elsewhere, behind a link, and other links that lead back and far away."""
    (copy.folder / "elsewhere").mkdir()
    (copy.folder / "elsewhere/mine.png").write_bytes(b"x")
    (copy.results / "figures/more").symlink_to(copy.folder / "elsewhere")
    (copy.results / "figures/round").symlink_to(copy.results / "figures")
    (copy.results / "runs/far").symlink_to("/usr/lib")


def another_point_behind(copy: Copy) -> None:
    move_run(copy)
    another_point(copy)


def called_superseded(copy: Copy) -> None:
    (copy.results / "figures/superseded").mkdir()
    (copy.results / "figures/superseded/mine.png").write_bytes(b"x")


def change_list(suffix: str, old: str, new: str) -> Callable[[Copy], object]:
    """The list of numbers is written, and then edited."""

    def change(copy: Copy) -> None:
        numbers = copy.results / "numbers.json"
        words = ["audit", "--no-checkout", "--results", str(copy.results), "--numbers", str(numbers)]
        assert main(words) == 0
        copy.edit(f"results/numbers.{suffix}", old, new)

    return change


def swap_data(copy: Copy) -> None:
    """Test images and test labels of the data set stand for the training's, and its list says so."""
    data = copy.results / "data/digits"
    shutil.copy(data / "test-images.npy", data / "train-images.npy")
    listed = json.loads((data / "data.json").read_text())
    listed["sha256"]["train-images.npy"] = listed["sha256"]["test-images.npy"]
    (data / "data.json").write_text(json.dumps(listed))


TRICKS = [
    ("a record of another result that says it wrote this one", record_of_another, FIGURE, "altered", ""),
    ("… of an acceptance", record_of_an_acceptance, FIGURE, "altered", ""),
    ("a second end of an attempt", second_end, FIGURE, "broken", "has another end too"),
    ("an attempt that began later", other_beginning, f"runs/{RUN}", "broken", "begun at another time"),
    (
        "an attempt that is forgotten",
        forget_an_attempt,
        f"measures/{RUN}",
        "broken",
        "before it is not there",
    ),
    (
        "an older record halved",
        halve_an_older_record,
        "provenance/records/",
        "broken",
        "not those of its name",
    ),
    ("a record of nothing", junk("{}"), "provenance/records/", "broken", "is no record"),
    ("a record without end", junk("[" * 100_000), "provenance/records/", "broken", "is no record"),
    ("a number too large", too_large, FIGURE, "broken", "no record of an end"),
    ("a path outside the results", path_outside, FIGURE, "broken", "no record of an end"),
    ("a removal forged", forge_removal, f"runs/{RUN}", "broken", "no such attempt was begun"),
    ("accepted by hand", accept_by_hand, KERNEL, "unrecorded", "accepted.json"),
    ("a picture with another key", other_key, FIGURE, "broken", "holds the key"),
    ("a record's settings and key", change_settings, FIGURE, "broken", "holds the key"),
    ("a record's inputs", cut_the_chain, KERNEL, "broken", "no record of the bytes"),
    ("the configuration that was kept", delete_configuration, f"runs/{RUN}", "broken", "is not kept"),
    ("a kept source edited", edit_kept_source, KERNEL, "broken", "is not kept"),
    ("a point too many", another_point, f"runs/{RUN}", "unrecorded", "point-00099"),
    ("a pipe", lambda copy: os.mkfifo(copy.results / "figures/a.png"), "figures/a", "unrecorded", ""),
    ("a link to a folder", linked_folder, "figures/more", "unrecorded", ""),
    ("a link to a large one", linked_folder, "runs/far", "unrecorded", ""),
    ("a point too many behind a link", another_point_behind, f"runs/{RUN}", "unrecorded", "point-00099"),
    ("a folder passed over", called_superseded, "figures/superseded/mine", "unrecorded", ""),
    ("a quoted number", change_list("json", '"n": 2', '"n": 3'), "numbers.json", "altered", "mds"),
    ("a macro", change_list("tex", "{2}", "{9}"), "numbers.json", "altered", "numbers.tex"),
    ("the data set and its list", swap_data, "data/digits", "altered", "data.json"),
]


CASES = [each[1:] for each in TRICKS]


@pytest.mark.parametrize(("change", "name", "word", "said"), CASES, ids=[each[0] for each in TRICKS])
def test_it_is_found(copy, capsys, change, name, word, said):
    change(copy)
    capsys.readouterr()
    status = main(["audit", "--no-checkout", "--json", "--results", str(copy.results)])
    found = json.loads(capsys.readouterr().out)["results"]
    results = [found[each] for each in found if each.startswith(name)]
    told = json.dumps([each["said"] for each in results], ensure_ascii=False)
    assert status == 1 and word in {each["verdict"] for each in results}, found
    assert said in told, told


def test_a_list_of_numbers_from_before_is_stale(copy, capsys):
    """Its runs were measured again since, with other bytes; written again it is in order."""
    numbers = str(copy.results / "numbers.json")
    words = ["audit", "--no-checkout", "--results", str(copy.results)]
    assert main([*words, "--numbers", numbers]) == 0
    assert main(words) == 0 == main([*words, "numbers.json"])
    for name in "json", "tex":
        assert (copy.results / f"numbers.{name}").exists()
    listed = json.loads((copy.results / "numbers.json").read_text())
    listed["tiny/default:mds"]["records"][RUN], listed["tiny/default:mds"]["mean"] = "0" * 64, 0.5
    (copy.results / "numbers.json").write_text(json.dumps(listed))
    capsys.readouterr()
    assert main([*words, "numbers.json"]) == 1
    assert (
        "numbers.json  " in (told := capsys.readouterr().out)
        and "stale: numbers.json: tiny/default:mds" in told
    )
    assert main([*words, "--numbers", numbers]) == 0 == main(words)


def redraw(copy: Copy, name: str) -> None:
    """Another picture in place of the figure's, with its key, and its record made to say so."""
    path, drawing, content = copy.results / name, Figure(figsize=(2, 2)), io.BytesIO()
    drawing.subplots().plot([0, 1, 3])
    if path.suffix == ".ipynb":
        notebook = json.loads(path.read_text())
        shown = [output.get("data", {}) for cell in notebook["cells"] for output in cell.get("outputs", [])]
        drawing.savefig(content, format="png")
        next(data for data in shown if "image/png" in data)["image/png"] = base64.b64encode(
            content.getvalue()
        ).decode()
        path.write_text(json.dumps(notebook))
    else:
        drawing.savefig(content, format=path.suffix[1:])
        path.write_bytes(stamped(content.getvalue(), content_of(copy, FIGURE)["key"]))
    said = {name: said_of(copy, name)}
    copy.forge(FIGURE, lambda content: content["outputs"].update(said), True)


@pytest.mark.parametrize("name", [f"{FIGURE}.png", f"{FIGURE}.pdf", "notebooks/map.ipynb"])
def test_made_again_a_forged_picture_is_another(copy, name):
    """Its numbers are left alone, and the whole chain fits."""
    redraw(copy, name)
    done = copy.run("audit", "map", "--profile", "smoke", "--rederive")
    assert "no finding" in done.stdout, done.stdout
    assert done.returncode == 1 and f"{FIGURE}  different: {name}" in done.stdout, done.stdout


def halve(copy: Copy, name: str) -> None:
    path = copy.results / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


POINT = f"runs/{RUN}/trajectory/point-00001.safetensors"
DAMAGED = [
    (Copy.flip, POINT, ["--retrain", RUN], f"runs/{RUN}  different: point-00001.safetensors"),
    (halve, POINT, ["--retrain", RUN], f"runs/{RUN}  failed: "),
    (halve, f"runs/{RUN}/trajectory/trajectory.json", ["--retrain", RUN], f"runs/{RUN}  failed: "),
    (Copy.flip, POINT, ["--rederive", KERNEL], f"{KERNEL}  failed: "),
    (halve, f"runs/{RUN}/trajectory/trajectory.json", ["--rederive", KERNEL], f"{KERNEL}  failed: "),
    (halve, f"{KERNEL}.npz", ["--rederive", KERNEL], f"{KERNEL}  failed: "),
    (halve, f"measures/{RUN}.parquet", ["--rederive", f"measures/{RUN}"], f"measures/{RUN}  failed: "),
    (halve, f"{FIGURE}.png", ["--rederive", FIGURE], f"{FIGURE}  failed: "),
]


@pytest.mark.parametrize(("change", "name", "words", "said"), DAMAGED)
def test_made_again_of_what_is_damaged(copy, change, name, words, said):
    """A point is what its bytes are, whatever is told of them; what cannot be read is one line."""
    change(copy, name)
    done = copy.run("audit", "--profile", "smoke", *words)
    assert done.returncode == 1 and f"\n{said}" in done.stdout, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_made_again_a_study(copy):
    """A study and its table; then one of its numbers is forged, with all that records say of it."""
    study = {"study": "lemma-1", "title": "Lemma 1", "section": "A", "dimension": 3, "draws": 5}
    copy.configure(lambda config: config.update(studies={"bounds": study}))
    call = [str(BIN / "snakemake"), "--profile", "smoke", "bounds"]
    made = subprocess.run(call, cwd=copy.folder, env=copy.environment, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    again = copy.run("audit", "tables/bounds", "--profile", "smoke", "--rederive")
    assert again.returncode == 0 and "made again: 2 identical" in again.stdout, again.stdout + again.stderr
    for name in "studies/bounds", "tables/bounds":
        copy.edit(f"results/{name}.csv", ",5,", ",7,")
    for name, inputs in ("studies/bounds", []), ("tables/bounds", ["studies/bounds.csv"]):
        said = {path: said_of(copy, path) for path in [f"{name}.csv", *inputs]}

        def change(content: dict, name: str = name, said: dict = said) -> None:
            content["outputs"][f"{name}.csv"] = said[f"{name}.csv"]
            for each in content["derivation"]["inputs"]:
                each.update(said.get(each["path"], {}))

        copy.forge(name, change, True)
    again = copy.run("audit", "tables/bounds", "--profile", "smoke", "--rederive")
    assert again.returncode == 1 and "studies/bounds  different: column draws" in again.stdout, again.stdout


@pytest.mark.parametrize(
    ("measure", "value", "other", "word"),
    [
        ("norm", 1.0, 1 + 1e-12, "within"),
        ("norm", 1.0, 1 + 1e-8, "different"),
        ("angle_updates", 90.0, 90 + 1e-10, "within"),
        ("angle_updates", 90.0, 90 + 1e-6, "different"),
        ("angle_updates", 0.0, 1e-4, "within"),  # its cosine is apart by 1.5e-12
        ("angle_updates", 0.0, 1e-2, "different"),
        ("mds", 1e-6, 1e-6 + 1e-12, "within"),
        ("mds", 0.5, float("nan"), "different"),
        ("norm", 1.0, 1.0, "identical"),
    ],
)
def test_what_is_within_rounding(measure, value, other, word):
    """Of rows of one run and measure alone: a large number of another measure is no measure of theirs."""
    table = pd.DataFrame(
        {"run": "a", "group": "all", "measure": [measure, "eigenvalue_K"], "value": [value, 1e9]}
    )
    other_table = table.assign(value=[other, 1e9])
    said = outcome(Node("measures/a", None), tables(table, other_table))
    assert said.word == word, said


def test_a_kernel_is_compared_by_its_increments():
    """An inner product of two small increments beside a large location, and of a small group."""
    gram = np.array([[[1e6, 1e-3], [1e-3, 1e-6]], [[1e-8, 0], [0, 1e-8]]])
    for group, change, within in [(0, 1e-12, True), (0, 1e-9, False), (1, 1e-19, True), (1, 1e-16, False)]:
        other = gram.copy()
        other[group, 0, 1] += change
        assert (gram_distance(gram, other) <= TOLERANCE["kernels"]) is within, (group, change)
