"""Whether the notebooks that a configuration names are there, and take the options that figures give them."""

import ast
from pathlib import Path

from hallmarks.errors import UserError
from hallmarks.runs.sources import file_of
from hallmarks.workflow.paper import Paper
from hallmarks.workflow.targets import near


def check_notebooks(paper: Paper, root: Path) -> None:
    """Raise UserError, the key first, for the first notebook or option that is not there."""
    there = sorted(path.stem for path in (root / "notebooks").glob("*.ipynb"))
    if not there:
        raise UserError(
            f"{root}: has no notebooks; clone the whole project, and name its Snakefile by its path"
        )
    for kind in ("figures", "studies", "tables"):
        for name, shown in getattr(paper.config, kind).items():
            if shown.notebook not in there:
                hint = near(shown.notebook, there) or f"; there are {', '.join(there)}"
                raise UserError(
                    f"{kind}.{name}.notebook: there is no {root}/notebooks/{shown.notebook}.ipynb{hint}"
                )
    for kind in ("figures", "tables"):
        for name, figure in getattr(paper.config, kind).items():
            known = options_of(figure.notebook)
            known = [] if known is None and kind == "tables" else known
            for option in figure.options if known is not None else []:
                if option not in known:
                    hint = near(option, known) or f"; it takes {', '.join(known) or 'none'}"
                    raise UserError(f"{kind}.{name}.options: {figure.notebook} takes no '{option}'{hint}")


def options_of(notebook: str) -> list[str] | None:
    """What `draw` of a kind of picture takes by name, unimported; None where that is not known."""
    path = file_of(f"hallmarks.figures.{notebook.replace('-', '_')}")
    if not path.is_file():
        return None
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef) and node.name == "draw" and node.args.kwarg is None:
            return [argument.arg for argument in node.args.kwonlyargs]
    return None
