"""Which modules a result uses, from the import graph, and what each of them means."""

import ast
import functools
import hashlib
import importlib.util
import json
from pathlib import Path

import grimp

from hallmarks.errors import UserError

# They check, report, fetch and write, and decide no number: settings are compared themselves, not their
# types, and the bytes of a trajectory with its digests, not the way that they come.
DECIDE_NOTHING = {
    "hallmarks",
    "hallmarks.config",
    "hallmarks.errors",
    "hallmarks.files",
    "hallmarks.kernel.progress",
    "hallmarks.machine",
    "hallmarks.runs",
    "hallmarks.trajectory.transport",
    "hallmarks.witness",
}


@functools.cache
def graph() -> grimp.ImportGraph:
    """Who imports whom in the package. Raises UserError where a file of it is no Python."""
    try:
        return grimp.build_graph("hallmarks", cache_dir=None, exclude_type_checking_imports=True)
    except grimp.exceptions.SourceSyntaxError as error:
        raise UserError(f"{error.filename}:{error.lineno}: not Python: {error.text}") from None


@functools.cache
def closure(roots: tuple[str, ...]) -> list[str]:
    """The modules that decide what `roots` compute: they, what they import, and their packages; sorted."""
    used = set()
    for root in roots:
        used |= {root} | graph().find_upstream_modules(root)
        # A package that is named stands for its modules: `hallmarks.models.vgg16`.
        for module in graph().find_descendants(root):
            used |= {module} | graph().find_upstream_modules(module)
    for module in list(used):
        parts = module.split(".")
        used |= {".".join(parts[:length]) for length in range(2, len(parts))}
    return sorted(module for module in used if not decides_nothing(module))


def decides_nothing(module: str) -> bool:
    """Whether a module, or the room that it is in, is one of DECIDE_NOTHING."""
    return module in DECIDE_NOTHING or module.rpartition(".")[0] in DECIDE_NOTHING - {"hallmarks"}


@functools.cache
def code_of(roots: tuple[str, ...]) -> dict[str, str]:
    """The meaning of each module that decides what `roots` compute, by its name."""
    return {module: meaning_of_module(module) for module in closure(roots)}


@functools.cache
def meaning_of_module(module: str) -> str:
    """The digest of a module's meaning."""
    return meaning(file_of(module).read_text())


def meaning_now(name: str, before: str) -> str:
    """The digest of a module as it is now; of a notebook, which its command reads itself, the one before."""
    return meaning_of_module(name) if name.startswith("hallmarks.") else before


def file_of(module: str) -> Path:
    """The file of a module, found without importing it."""
    package, *parts = module.split(".")
    path = Path(importlib.util.find_spec(package).submodule_search_locations[0]).joinpath(*parts)
    own = path / "__init__.py"  # a folder without it is what is left of a package that is a file now
    return own if own.is_file() else path.with_suffix(".py")


@functools.cache
def meaning(source: str) -> str:
    """SHA-256 of Python source without comments, docstrings, formatting and wording."""
    text = json.dumps(plain(ast.parse(source)), default=repr)
    return hashlib.sha256(text.encode()).hexdigest()


def plain(node: ast.AST | list | object) -> object:
    """A syntax tree as lists: no positions, docstrings, nor empty fields, which differ by Python version.

    What makes an error's text or a caption makes no number: of `UserError(…)` the call alone counts, and a
    class's `describe`, which is for captions, does not.
    """
    if isinstance(node, list):
        return [plain(item) for item in node]
    if not isinstance(node, ast.AST):
        # A constant's type is part of it: 1, 1.0 and True are equal, and so is what JSON writes of some.
        return [type(node).__name__, repr(node)]
    fields = dict(ast.iter_fields(node))
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        fields["body"] = without_docstrings(fields["body"])
    if isinstance(node, ast.ClassDef):
        methods = [item for item in fields["body"] if getattr(item, "name", None) == "describe"]
        fields["body"] = [item for item in fields["body"] if item not in methods]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "UserError":
        fields = {"func": node.func}
    kept = {name: value for name, value in fields.items() if value not in (None, []) and name != "kind"}
    return [type(node).__name__, {name: plain(value) for name, value in kept.items()}]


def without_docstrings(body: list[ast.stmt]) -> list[ast.stmt]:
    """A body without strings that stand alone: a docstring, or one below a field, which only describes."""
    return [
        statement
        for statement in body
        if not (
            isinstance(statement, ast.Expr)
            and isinstance(statement.value, ast.Constant)
            and isinstance(statement.value.value, str)
        )
    ]


@functools.cache
def code_of_notebook(path: Path) -> dict[str, str]:
    """The meaning of a notebook, and of each module that its cells use. Raises UserError."""
    try:
        cells = json.loads(path.read_text())["cells"]
        text = [("".join(cell["source"]), cell["cell_type"] == "code") for cell in cells]
        parts = [meaning(source) if code else source for source, code in text]
        trees = [ast.parse(source) for source, code in text if code]
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, SyntaxError) as error:
        raise UserError(f"{path}: not a notebook of Python cells ({error})") from None
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    roots = sorted({module for tree in trees for module in imports(tree)})
    return {f"notebooks/{path.name}": digest} | code_of(tuple(roots))


def imports(tree: ast.AST) -> set[str]:
    """The package's modules that a syntax tree imports."""
    named = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            named |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in named if name != "hallmarks" and name in graph().modules}
