"""Accepting: a result, or the state of an unfinished run, made by other code stands, and why."""

from pathlib import Path

from hallmarks.runs.acceptance import accept, accepted
from hallmarks.runs.identity import Identity, changes
from hallmarks.workflow.results import Result, Results


def accept_result(results: Results, result: Result, why: str) -> str | None:
    """Accept one result where it would be made again; a line that says so. Raises UserError."""
    if not (said := results.verdict(result)):
        return None
    made = Identity.read(results.folder / result.beside("identity"))
    accept(results.folder / result.beside("accepted"), made, results.identity(result), why)
    results.forget()
    return f"{result.kind}/{result.name}: stands ({'; '.join(said)})"


def accept_states(results: Results, result: Result, why: str) -> list[str]:
    """Accept the newest state of an unfinished run, if it is of another identity; lines that say so."""
    folder = Path(results.paper.config.scratch) / result.name
    if result.kind != "runs" or results.verdict(result) == []:
        return []
    wanted = results.identity(result)
    states = [(path, Identity.read(path)) for path in folder.glob("*/identity.json")]
    others = [(path, made) for path, made in states if changes(made, wanted)]
    if not others or len(others) < len(states):
        return []
    path, made = max(others, key=lambda state: state[0].stat().st_mtime)
    beside = path.with_name("accepted.json")
    if accepted(beside, made, wanted):
        return []
    accept(beside, made, wanted, why)
    return [f"{path.parent}: its state is gone on from ({'; '.join(changes(made, wanted))})"]
