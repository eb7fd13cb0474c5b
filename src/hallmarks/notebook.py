"""Runs one notebook: papermill, this environment's Python, and outputs that appear only when whole."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient.exceptions import DeadKernelError
from papermill import execute_notebook, inspect_notebook
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from hallmarks.errors import UserError


def run_notebook(notebook: Path, output: Path, figure: Path, parameters: dict) -> None:
    """Execute `notebook` into `output`; it draws `figure`.pdf, .png and .csv.

    Raises UserError where the notebook or a parameter does not exist, or a cell fails; of a failed one,
    `<name>.failed.ipynb` is kept beside the output.
    """
    source = read(notebook)
    known = inspect_notebook(source)
    parameters = parameters | {"figure": str(figure)}
    if unknown := sorted(parameters.keys() - known.keys()):
        raise UserError(f"{notebook}: has no parameter '{unknown[0]}'; it has {', '.join(known)}")
    failed = output.with_name(f"{output.stem}.failed.ipynb")
    temporary = output.with_name(f".{output.stem}.{os.getpid()}.ipynb")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{output.parent}: cannot be made a folder ({error.strerror})") from None
    before = drawn(figure)
    try:
        with TemporaryDirectory(prefix="hallmarks-") as private:
            executed = execute_notebook(
                source,
                str(temporary),
                parameters,
                kernel_name="python3",
                progress_bar=False,
                request_save_on_cell_execute=False,
                # Sockets and settings of its own: no ports that others could take or read, nothing from home.
                config=Config(
                    KernelManager={"transport": "ipc", "connection_file": f"{private}/kernel.json"}
                ),
                extra_arguments=[f"--ipython-dir={private}"],
                shutdown_kernel="immediate",
            )
        unchanged = [name for name, time in drawn(figure).items() if time == before[name]]
        if unchanged:
            raise UserError(f"{notebook}: ran, but did not write {unchanged[0]}")
        nbformat.write(without_times(executed), temporary)
        temporary.replace(output)
        failed.unlink(missing_ok=True)
    except PapermillExecutionError as error:
        temporary.replace(failed)
        named = "" if error.ename == "UserError" else f"{error.ename}: "
        reason = f"{named}{error.evalue}".splitlines()[0]
        raise UserError(f"{notebook}: cell {error.exec_count} failed: {reason} (see {failed})") from None
    except DeadKernelError:
        raise UserError(f"{notebook}: its Python process died; was there enough memory?") from None
    except OSError as error:
        raise UserError(f"{output}: cannot be written ({error.strerror or error})") from None
    finally:
        temporary.unlink(missing_ok=True)


def read(notebook: Path) -> nbformat.NotebookNode:
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


def drawn(figure: Path) -> dict[str, int | None]:
    """When each of the figure's files was written; None where there is none."""
    paths = [figure.with_name(f"{figure.name}.{suffix}") for suffix in ("pdf", "png", "csv")]
    return {str(path): path.stat().st_mtime_ns if path.exists() else None for path in paths}


def without_times(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook without times and random names, so that equal runs give equal files."""
    notebook.metadata.pop("papermill", None)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
    return notebook
