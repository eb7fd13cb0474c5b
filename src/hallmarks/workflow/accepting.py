"""Accepting: a result, or the state of an unfinished run, made by other code stands, and why."""

from pathlib import Path

from hallmarks.runs.acceptance import accept, accepted
from hallmarks.runs.identity import Identity, changes
from hallmarks.workflow.results import Result, Results


def accept_result(results: Results, result: Result, why: str | None) -> str | None:
    """Accept one result where it would be made again; a line that says so. Without a reason nothing is
    written. Raises UserError."""
    # What is accepted before it is no other part any more: said of a dry run, where it is still one.
    parts = {f"{part.kind}/{part.name} is another" for part in results.parts(result) if results.verdict(part)}
    if not (said := [each for each in results.verdict(result) or [] if each not in parts]):
        return None
    if why:
        made = results.made(result)
        beside, first = (results.folder / name for name in (result.beside("accepted"), result.outputs[0]))
        accept(beside, made, results.identity(result), why, first)
        results.forget()
    return f"{result.kind}/{result.name}: stands ({'; '.join(said)})"


def accept_states(results: Results, result: Result, why: str | None) -> list[str]:
    """Accept the newest state of an unfinished run, if it is of another identity; lines that say so.
    Without a reason nothing is written."""
    if result.kind != "runs" or results.verdict(result) == []:
        return []
    others = states_set_aside(results, result.name)
    if not others or len(others) < len(list(others[0].parent.glob("*/identity.json"))):
        return []
    newest = max(others, key=lambda folder: (folder / "identity.json").stat().st_mtime)
    made, wanted = Identity.read(newest / "identity.json"), results.identity(result)
    if why:
        accept(newest / "accepted.json", made, wanted, why)
    return [f"{newest}: its state is gone on from ({'; '.join(changes(made, wanted))})"]


def states_set_aside(results: Results, run: str) -> list[Path]:
    """The folders of a run's states of another identity, which its next attempt leaves alone."""
    found = []
    for path in (Path(results.paper.config.scratch) / run).glob("*/identity.json"):
        made, wanted = Identity.read(path), results.identity(Result("runs", run))
        if changes(made, wanted) and not accepted(path.with_name("accepted.json"), made, wanted):
            found.append(path.parent)
    return found


def stands_accepted(results: Results, result: Result) -> bool:
    """Whether a result stands because somebody said so."""
    if not (results.folder / result.beside("accepted")).exists() or results.verdict(result) != []:
        return False
    made = results.made(result)
    return bool(changes(made, results.identity(result)))
