"""Run in a finished project: edits each module, and prints as JSON which results each edit makes again."""

import json
import sys
from pathlib import Path

from hallmarks.config.load import load_configuration
from hallmarks.runs import sources
from hallmarks.runs.run import expand
from hallmarks.workflow.paper import Paper
from hallmarks.workflow.results import Results
from hallmarks.workflow.targets import results_behind

EDITS = {"comment": '\n# a comment\n"""A string that stands alone."""\n', "constant": "\nEDITED = 1\n"}


def stale(results: Results) -> list[str]:
    """The results of `all` that would be made again, those that rest on them included."""
    for cached in (sources.meaning_of_module, sources.code_of, sources.code_of_notebook):
        cached.cache_clear()
    results.forget()
    wanted = results_behind(results, ["all"])
    return [f"{result.kind}/{result.name}" for result in wanted if results.verdict(result) != []]


config = load_configuration([Path("config.yaml"), Path(sys.argv[1])])
results = Results(Paper(config, expand(config)), Path())
found: dict[str, dict[str, list[str]]] = {"": {"nothing": stale(results)}}
for path in sorted(Path("src/hallmarks").rglob("*.py")):
    before = path.read_text()
    found[path.relative_to("src/hallmarks").as_posix()] = edits = {}
    for edit, text in EDITS.items():
        path.write_text(before + text)
        edits[edit] = stale(results)
    path.write_text(before)
print(json.dumps(found))
