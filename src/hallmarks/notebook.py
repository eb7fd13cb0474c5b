"""Runs one notebook: papermill, this very interpreter, and outputs that appear only when whole."""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from nbclient.exceptions import DeadKernelError
from papermill import execute_notebook, inspect_notebook
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

import hallmarks
from hallmarks.errors import UserError
from hallmarks.files import make_folder, remove_file, replacing


class SameInterpreter(AsyncKernelManager):
    """Starts the interpreter and the `hallmarks` of this command, whatever kernels a user has installed."""

    @property
    def kernel_spec(self) -> KernelSpec:
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        folders = [str(Path(hallmarks.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        return KernelSpec(argv=argv, env={"PYTHONPATH": os.pathsep.join(filter(None, folders))})


def run_notebook(notebook: Path, output: Path, settings: Path, stem: Path) -> None:
    """Execute `notebook` into `output`; from `settings` it makes `stem`.csv and what lies beside it.

    Raises UserError where the notebook does not exist or lacks a parameter, or a cell fails; of a failed one,
    `<name>.failed.ipynb` is kept beside the output.
    """
    source = read_notebook(notebook)
    parameters = {"settings": str(settings), "stem": str(stem)}
    if missing := sorted(parameters.keys() - inspect_notebook(source).keys()):
        raise UserError(f"{notebook}: has no parameter '{missing[0]}'; it takes settings and stem")
    failed = make_folder(output.parent) / f"{output.stem}.failed.ipynb"
    numbers = Path(f"{stem}.csv")
    before = written(numbers)
    with replacing(output) as temporary:
        try:
            executed = execute(source, temporary, parameters)
        except PapermillExecutionError as error:
            temporary.replace(failed)
            named = "" if error.ename == "UserError" else f"{error.ename}: "
            reason = f"{named}{error.evalue}".splitlines()[0]
            raise UserError(f"{notebook}: cell {error.exec_count} failed: {reason} (see {failed})") from None
        except DeadKernelError:
            raise UserError(f"{notebook}: its Python process died; was there enough memory?") from None
        if written(numbers) == before:
            raise UserError(f"{notebook}: ran, but did not write {numbers}")
        nbformat.write(without_times(executed), temporary)
    remove_file(failed)


def execute(source: nbformat.NotebookNode, output: Path, parameters: dict[str, str]) -> nbformat.NotebookNode:
    """The executed notebook, also written to `output`, where a failed cell's traceback is found."""
    with TemporaryDirectory(prefix="hallmarks-") as private:
        return execute_notebook(
            source,
            str(output).replace("{", "{{").replace("}", "}}"),  # papermill fills parameters into paths
            parameters,
            kernel_name="python3",
            progress_bar=False,
            request_save_on_cell_execute=False,
            kernel_manager_class=SameInterpreter,
            # Sockets and settings of its own: no ports that others could take or read, nothing from home.
            config=Config(KernelManager={"transport": "ipc", "connection_file": f"{private}/kernel.json"}),
            extra_arguments=[f"--ipython-dir={private}"],
            shutdown_kernel="immediate",
        )


def read_notebook(notebook: Path) -> nbformat.NotebookNode:
    """The notebook, to be run by this environment's Python whatever it names."""
    try:
        source = nbformat.read(notebook, as_version=4)
    except FileNotFoundError:
        raise UserError(f"{notebook}: no such notebook") from None
    except (OSError, ValueError, AttributeError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{notebook}: not a notebook that can be read ({reason})") from None
    source.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return source


def written(path: Path) -> int | None:
    """When a file was written; None where there is none."""
    return path.stat().st_mtime_ns if path.exists() else None


def without_times(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook without times and random names, so that equal runs give equal files."""
    notebook.metadata.pop("papermill", None)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
    return notebook
