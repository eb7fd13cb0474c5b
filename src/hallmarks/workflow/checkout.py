"""Whether the code that runs is that of the clone whose workflow runs."""

from pathlib import Path

import hallmarks
from hallmarks.errors import UserError


def check_checkout(root: Path) -> None:
    """Refuse to run the workflow in `root` with other code than its own `src/hallmarks`.

    Such code comes from an installation that is not editable, or from another clone's environment; an edit
    in `root` would then silently not be seen. Code of the same bytes is taken wherever it lies. A workflow
    without `src`, as one that is deployed beside an installed package, takes what is installed.
    Raises UserError.
    """
    own, running = root / "src" / "hallmarks", Path(hallmarks.__file__).parent
    if not own.is_dir() or own.samefile(running):
        return
    here, there = modules(own), modules(running)
    changed = sorted(name for name in here.keys() | there.keys() if here.get(name) != there.get(name))
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise UserError(
            f"{root}: its code is not what runs, which is {running}; {changed[0]}{more} differ; "
            f"run `make install` in {root}, then `. .venv/bin/activate` there"
        )


def modules(package: Path) -> dict[str, bytes]:
    """The source of each module of a package, by its path below `package`."""
    return {path.relative_to(package).as_posix(): path.read_bytes() for path in package.rglob("*.py")}
