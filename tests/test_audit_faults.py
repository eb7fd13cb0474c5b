"""What disks, users, kills and odd names do to records, for real; and what the audit then says."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest
from audited import KERNEL, OTHER, RUN, measure_again
from users import OTHER as GAMES
from users import User

from hallmarks.cli import main
from smoke import BIN, Project

PAGE = 4096  # bytes
MOUNTING = "mounting needs root, and a machine that allows it"


def audited(results: Path, capsys, *words: str) -> tuple[int, dict]:
    """The exit status, and the verdicts, without a checkout."""
    capsys.readouterr()
    status = main(["audit", "--no-checkout", "--json", "--results", str(results), *words])
    return status, json.loads(capsys.readouterr().out)


def fill(disk: Path) -> Path:
    """Write until nothing more fits: into which file."""
    filler = disk / "filler"
    with open(filler, "wb", buffering=0) as file:
        try:
            while file.write(bytes(PAGE)) == PAGE:
                pass
        except OSError:
            return filler
    return filler


def test_a_disk_that_is_full_when_the_record_is_written(copy, tmp_path, capsys):
    """The result and its identity fit, and the record does not."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip(MOUNTING)
    try:
        shutil.copytree(copy.results, disk / "results")
        kernel, identity = (disk / f"results/{KERNEL}{suffix}" for suffix in (".npz", ".identity.json"))
        filler = fill(disk)
        kernel.unlink()
        identity.unlink()
        os.truncate(filler, filler.stat().st_size - 2 * PAGE)  # for what begins, and a page of the record
        settings = disk / f"results/settings/{KERNEL}.json"
        command = ["kernel", f"--settings={settings}", disk / f"results/runs/{RUN}/trajectory", "-o", kernel]
        full = copy.run(*command)
        assert full.returncode == 2 and "provenance/records" in full.stderr, full.stderr
        assert "No space left on device" in full.stderr and "Traceback" not in full.stderr
        assert kernel.exists() and identity.exists() and not list(disk.rglob("provenance/*/.*"))
        status, found = audited(disk / "results", capsys)
        assert status == 1 and found["results"][KERNEL]["verdict"] == "unfinished"
        assert found["results"]["figures/map"]["verdict"] == "rests on"
        filler.unlink()
        again = copy.run(*command)
        assert again.returncode == 0, again.stderr
        assert audited(disk / "results", capsys)[0] == 0
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_two_unix_users_write_into_one_folder(copy, capsys):
    """Each makes again what the other has made, reads what the other has recorded, and audits it."""
    if os.geteuid():
        pytest.skip(MOUNTING)
    with tempfile.TemporaryDirectory(prefix="hallmarks-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        sources = Project(folder / "clone").folder / "src"
        shared = folder / "results"
        shutil.copytree(copy.results, shared)
        subprocess.run(["chown", "-R", f":{GAMES}", shared], check=True)
        subprocess.run(["chmod", "-R", "g+rwXs", shared], check=True)
        try:
            games = User(GAMES, sources, folder)
        except subprocess.CalledProcessError:
            pytest.skip(MOUNTING)

        def call(user: User | None, *words: object) -> None:
            command = [str(user.python if user else BIN / "python"), "-m", "hallmarks.cli", *map(str, words)]
            environment = os.environ | (user.environment if user else {"PYTHONPATH": str(sources)})
            options = {"cwd": folder, "env": environment} | (user.options if user else {"umask": 0o002})
            done = subprocess.run(command, capture_output=True, text=True, **options)
            assert done.returncode == 0, done.stdout + done.stderr

        try:
            for run, user in [(RUN, games), (RUN, None), (RUN, games), (OTHER, None), (OTHER, games)]:
                of = {
                    kind: f"--settings={shared}/settings/{kind}/{run}.json"
                    for kind in ("kernels", "measures")
                }
                kernel, measures = shared / f"kernels/{run}.npz", shared / f"measures/{run}.parquet"
                call(user, "kernel", of["kernels"], shared / f"runs/{run}/trajectory", "-o", kernel)
                call(user, "measure", of["measures"], "--run", run, kernel, "-o", measures)
            for user in None, games:
                call(user, "audit", "--no-checkout", "--results", shared)
        finally:
            games.close()
        assert {path.owner() for path in (shared / "provenance/records").iterdir()} == {"root", GAMES}
        assert audited(shared, capsys)[0] == 0


def test_two_drivers_make_one_result_at_once(copy):
    records = copy.results / "provenance/records"
    before = len(list(records.iterdir()))
    started = [threading.Thread(target=measure_again, args=[copy]) for _ in range(2)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    status, found = copy.audit()
    assert status == 0, found["verdict"]
    assert len(list(records.iterdir())) == before + 4


def test_one_of_two_drivers_is_killed(copy):
    """What the other made is whole, though it did not know of the one that was killed."""
    newest = json.loads(copy.record_of(f"measures/{RUN}").read_text())
    attempt = f"{newest['attempt'][:-8]}ffffffff"
    said = {key: newest[key] for key in ("schema", "rule", "target", "supersedes")} | {"attempt": attempt}
    beginning = copy.results / f"provenance/begun/{attempt}.json"
    beginning.write_text(json.dumps(said | {"execution": {"begun": newest["execution"]["begun"]}}))
    assert copy.audit()[0] == 0


def targets(folder: Path) -> set[str]:
    """The names of what the records in a folder are of; one that is being written has another name."""
    return {json.loads(path.read_text())["target"] for path in folder.glob("[!.]*.json")}


def test_a_group_of_pictures_is_killed_half_way(copy):
    """One is drawn, of another there are the numbers, a third was not begun; then the same command again."""
    figures = {
        f"b{number}": {"title": "b", "notebook": "maps", "experiments": ["one"]} for number in (1, 2, 3)
    }
    copy.configure(lambda config: config["figures"].update(figures))
    command = [str(BIN / "snakemake"), "--profile", "smoke", "--cores", "1", *figures]
    options = {"cwd": copy.folder, "env": copy.environment, "stdout": subprocess.DEVNULL}
    driver = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True, **options)
    deadline, drawn, half = time.monotonic() + 300, [], []
    while not (drawn and half):
        assert driver.poll() is None and time.monotonic() < deadline
        made = {f"figures/{path.stem}" for path in (copy.results / "figures").glob("b?.csv")}
        ended = targets(copy.results / "provenance/records")
        drawn, half = sorted(made & ended), sorted(made - ended)
        time.sleep(0.01)
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()
    time.sleep(3)  # a notebook's own process is told later that its parent is gone
    status, found = copy.audit()
    verdicts = {name: each["verdict"] for name, each in found["results"].items()}
    assert status == 1 and verdicts[drawn[0]] == "intact"
    assert verdicts[half[0]] == "unfinished" and set(verdicts.values()) == {"intact", "unfinished"}, found
    assert f"{half[0]}.csv" in json.dumps(found["results"][half[0]]["said"])
    for more in ["--unlock"], []:
        done = subprocess.run([*command, *more], cwd=copy.folder, env=copy.environment, capture_output=True)
        assert done.returncode == 0, done.stderr
    status, found = copy.audit()
    assert status == 0 and {f"figures/{name}" for name in figures} <= found["results"].keys(), found


def test_kill_9_and_again(copy):
    """In the midst of a measure, which waits for its kernel: a pipe."""
    kernel, begun = copy.results / f"{KERNEL}.npz", copy.results / "provenance/begun"
    data, before = kernel.read_bytes(), len(list(begun.iterdir()))
    kernel.unlink()
    os.mkfifo(kernel)
    settings, output = (copy.results / f"{name}/{RUN}" for name in ("settings/measures", "measures"))
    words = ["measure", f"--settings={settings}.json", "--run", RUN, kernel, "-o", f"{output}.parquet"]
    command = [str(BIN / "hallmarks"), *map(str, words)]
    waiting = subprocess.Popen(command, cwd=copy.folder, env=copy.environment)
    deadline = time.monotonic() + 60
    while len(list(begun.glob("[!.]*.json"))) == before:
        assert waiting.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    waiting.kill()
    waiting.wait()
    kernel.unlink()
    kernel.write_bytes(data)
    status, found = copy.audit()
    assert status == 1 and found["results"][f"measures/{RUN}"]["verdict"] == "unfinished"
    measure_again(copy)
    assert copy.audit()[0] == 0


def test_a_folder_from_before_records_is_one_line(copy, tmp_path, capsys):
    """In the tree, in one line alone, for programs, and on the page."""
    shutil.rmtree(copy.results / "provenance")
    rooms = [path for path in copy.results.iterdir() if path.name not in {"settings", "logs", "benchmarks"}]
    files = len([path for room in rooms for path in room.rglob("[!.]*") if path.is_file()])
    said = f"unrecorded ({files} files)"
    for words in [], ["--summary"], ["map"], ["--quick"]:
        assert main(["audit", "--no-checkout", "--results", str(copy.results), *words]) == 1
        told = capsys.readouterr().out
        assert told.count("\n") == 1 and said in told, told
    page = tmp_path / "audit.html"
    status, found = audited(copy.results, capsys, "--html", str(page))
    assert status == 1 and found["results"] == {} and found["unrecorded_files"] == files
    assert page.read_text().count(said) == 1 and "<rect" not in page.read_text()


def test_old_results_beside_recorded_ones_are_one_line(copy, capsys):
    for number in range(40):
        for name in f"kernels/older/default/seed{number}.npz", f"measures/older/default/seed{number}.parquet":
            (copy.results / name).parent.mkdir(parents=True, exist_ok=True)
            (copy.results / name).write_bytes(b"x")
    assert main(["audit", "--no-checkout", "--results", str(copy.results)]) == 1
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 2 and "80 results" in told[0] and told[0].endswith("unrecorded (80 files)")


def test_odd_names(tiny, tmp_path, capsys):
    """Spaces, quotes, lines and letters of every kind, in folders, titles and files."""
    (results,) = tiny.folder.glob("res *")
    there = tmp_path / "é ü\n 1" / "r"
    shutil.copytree(results, there)
    for folder in results, there:
        status, found = audited(folder, capsys)
        assert status == 0 and "figures/map" in found["results"], found["verdict"]
    (there / "figures" / os.fsdecode(b"m\xff \xc3\xa9.png")).write_bytes(b"x")
    (there / "figures" / "x.png  intact\n\033[32mfigures").mkdir()
    (there / "figures" / "x.png  intact\n\033[32mfigures" / "map.png").write_bytes(b"x")
    page = tmp_path / "audit.html"
    status, found = audited(there, capsys, "--html", str(page))
    assert status == 1 and found["findings"] == 2 and "m\\udcff é" in page.read_text()
    assert main(["audit", "--no-checkout", "--results", str(there)]) == 1
    told = capsys.readouterr().out
    assert told.count("\n") == 3 and "\033" not in told and "intact\\n\\x1b" in told
