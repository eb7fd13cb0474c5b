"""Every number that a paper would quote: mean, spread and n over seeds, and the records it comes from."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hallmarks.errors import UserError
from hallmarks.files import write
from hallmarks.provenance.audit import Audit, Node

if TYPE_CHECKING:
    import pandas as pd

NAME = "numbers.json"
MEASURES = {"mds": "omega", "mds_relative": "omega_0"}
LOGGED = {"test_accuracy": "test accuracy, %", "train_accuracy": "training accuracy, %"}


def numbers(audit: Audit) -> dict[str, dict[str, Any]]:
    """By `<task>/<variation>:<measure>`: mean, sd, n, each run's value, and its record; None is no number.

    Raises UserError.
    """
    import pandas as pd

    values: dict[str, dict[str, tuple[float, str | None]]] = {}
    for path in sorted((audit.results / "measures").rglob("seed*.parquet")):
        run = path.relative_to(audit.results / "measures").with_suffix("").as_posix()
        wanted = [("group", "==", "all"), ("measure", "in", list(MEASURES))]
        table = read(path, pd.read_parquet, filters=wanted)
        for measure, value in zip(table["measure"], table["value"], strict=True):
            keep(values, run, measure, float(value), record_of(audit, f"measures/{run}"))
    for path in sorted((audit.results / "runs").glob("*/*/seed*/log.csv")):
        run = path.parent.relative_to(audit.results / "runs").as_posix()
        last = read(path, pd.read_csv).tail(1)
        for column in set(LOGGED) & set(last.columns):
            if last[column].notna().all() and len(last):
                keep(values, run, column, 100 * float(last[column].iloc[0]), record_of(audit, f"runs/{run}"))
    return {name: described(name, of) for name, of in sorted(values.items())}


def read(path: Path, reader: Callable[..., "pd.DataFrame"], **options: Any) -> "pd.DataFrame":
    try:
        return reader(path, **options)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({str(error).splitlines()[0]})") from None


def keep(values: dict, run: str, measure: str, value: float, record: str | None) -> None:
    values.setdefault(f"{run.rpartition('/')[0]}:{measure}", {})[run] = value, record


def record_of(audit: Audit, target: str) -> str | None:
    """The name of the newest record of a result that is intact or noted; None where it is found altered."""
    node = audit.nodes.get(target)
    return node.record.name if node and node.record and not node.finding else None


def described(name: str, of: dict[str, tuple[float, str | None]]) -> dict[str, Any]:
    seen = [value for value, _ in of.values()]
    measure = name.rpartition(":")[2]
    return {
        "what": (MEASURES | LOGGED)[measure],
        "mean": finite(np.mean(seen)),
        "sd": finite(np.std(seen, ddof=1)) if len(seen) > 1 else None,
        "n": len(seen),
        "runs": {run: finite(value) for run, (value, _) in of.items()},
        "records": {run: record for run, (_, record) in of.items()},
    }


def finite(value: float) -> float | None:
    """JSON has no NaN, which a run that diverged may leave."""
    return float(value) if np.isfinite(value) else None


# A number that is not there is an error of LaTeX's, not nothing; `:` and `"` may be active in some languages.
COMMAND = r"""\providecommand{\hallmarks}[1]{\ifcsname hallmarks:\detokenize{#1}\endcsname
  \csname hallmarks:\detokenize{#1}\endcsname
  \else\errmessage{numbers.tex has no number \detokenize{#1}}\fi}"""


def macros(found: dict[str, dict[str, Any]]) -> str:
    r"""For LaTeX: `\hallmarks{resnet20/default:mds}` is the mean, `{…:sd}` and `{…:n}` the others."""
    lines = [COMMAND.replace("\n  ", "%\n  ")]
    for name, said in found.items():
        for word, value in [("", said["mean"]), (":sd", said["sd"]), (":n", said["n"])]:
            if value is not None:
                key = re.sub(r"[\\{}%#~^&$]", "", f"{name}{word}")
                lines.append(
                    rf"\expandafter\def\csname hallmarks:\detokenize{{{key}}}\endcsname{{{tex(value)}}}"
                )
    return "\n".join([*lines, ""])


def tex(value: float) -> str:
    """Four digits, as LaTeX sets them; a count in full."""
    mantissa, _, exponent = (str(value) if isinstance(value, int) else f"{value:.4g}").partition("e")
    return rf"\ensuremath{{{mantissa}\times10^{{{int(exponent)}}}}}" if exponent else mantissa


def write_numbers(audit: Audit, path: Path) -> int:
    """Write `path`, JSON, and the macros beside it, .tex; how many numbers. Raises UserError."""
    found = numbers(audit)
    write(path, json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    write(path.with_suffix(".tex"), macros(found))
    return len(found)


def numbers_node(audit: Audit, known: set[str]) -> Node | None:
    """The list of numbers beside the results as a node above what they are of; None where there is none."""
    if not (audit.results / NAME).is_file():
        return None
    return Node(NAME, None, sorted(name for name in known if name.startswith(("measures/", "runs/"))))


def check_numbers(audit: Audit) -> None:
    """Say of the list of numbers, where it is asked about, whether it is what the results hold now."""
    node, path = audit.nodes.get(NAME), audit.results / NAME
    if node is None or audit.there.quick:
        return
    try:
        held, found = json.loads(path.read_bytes()), numbers(audit)
        for name in sorted(held.keys() | found.keys()):
            mine, now = (dict(each.get(name, {})) for each in (held, found))
            made_of = [each.pop("records", None) for each in (mine, now)]
            if mine != now:  # written before its results were made again, or not as it was written
                node.say("stale" if made_of[0] != made_of[1] else "altered", f"{NAME}: {name}")
        tex = path.with_suffix(".tex")
        if tex.is_file() and tex.read_bytes() != macros(held).encode():
            node.say("altered", f"{tex.name}: not what {NAME} says")
    except UserError as error:
        node.say("broken", str(error))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        node.say("altered", f"{NAME}: is no list of numbers as it is written")
