"""A clone runs its own code, or says that it does not."""

import shutil
from pathlib import Path

import pytest

import hallmarks
from hallmarks.errors import UserError
from hallmarks.workflow.checkout import check_checkout

RUNNING = Path(hallmarks.__file__).parent


@pytest.fixture
def clone(tmp_path) -> Path:
    """Another clone, with the same code."""
    shutil.copytree(RUNNING, tmp_path / "src" / "hallmarks")
    return tmp_path


def test_its_own_code_and_the_same_code_are_taken(clone):
    check_checkout(RUNNING.parents[1])
    (clone / "src/hallmarks/__pycache__").mkdir(exist_ok=True)
    (clone / "src/hallmarks/__pycache__/cli.cpython-311.pyc").write_bytes(b"other")
    check_checkout(clone)


def test_a_link_to_the_clone_is_the_clone(tmp_path):
    (tmp_path / "link").symlink_to(RUNNING.parents[1])
    check_checkout(tmp_path / "link")


def test_a_workflow_without_sources_takes_what_is_installed(tmp_path):
    check_checkout(tmp_path)


@pytest.mark.parametrize("change", ["edited", "added", "removed"])
def test_other_code_is_refused_in_one_line(clone, change):
    module = clone / "src/hallmarks" / ("training/new.py" if change == "added" else "errors.py")
    if change == "removed":
        module.unlink()
    else:
        with open(module, "a") as file:
            file.write("# a comment\n")
    with pytest.raises(UserError) as refused:
        check_checkout(clone)
    line = str(refused.value)
    assert "\n" not in line and "make install" in line
    assert all(str(part) in line for part in (clone, RUNNING, module.relative_to(clone / "src/hallmarks")))


def test_how_many_differ(clone):
    for name in ("cli.py", "errors.py", "files.py"):
        (clone / "src/hallmarks" / name).write_text("")
    with pytest.raises(UserError, match="cli.py and 2 more differ"):
        check_checkout(clone)
