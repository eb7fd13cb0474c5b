"""Every result: where it lies, what decides it, and why it would be made again, if it would."""

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from hallmarks.data.prepared import describe
from hallmarks.errors import UserError
from hallmarks.runs.acceptance import accepted
from hallmarks.runs.identity import Identity, beside, changes
from hallmarks.runs.sources import code_of, code_of_notebook
from hallmarks.workflow.paper import Paper
from hallmarks.workflow.settings import claims_settings, figure_settings, study_settings

KERNEL = ("hallmarks.kernel.compute",)
MEASURES = ("hallmarks.measures.table",)


@dataclass(frozen=True)
class Result:
    """One result: of `kind` runs, kernels, measures, figures, studies or tables, by its name."""

    kind: str
    name: str

    @property
    def outputs(self) -> list[str]:
        """Its files, below the folder of all results; the first is what the others go with."""
        notebook = [f"notebooks/{self.name}.ipynb"] if self.kind in {"figures", "tables"} else []
        own = [f"{self.kind}/{self.name}{suffix}" for suffix in SUFFIXES[self.kind]]
        return [*own, *notebook, self.beside("identity")]

    def beside(self, word: str) -> str:
        """The file `identity` or `accepted` beside it."""
        return beside(self.kind, self.name, word)


SUFFIXES = {
    "runs": ["/trajectory/trajectory.json", "/trajectory/points.sha256", "/log.csv", "/settings.yaml"],
    "kernels": [".npz"],
    "measures": [".parquet"],
    "figures": [".png", ".pdf", ".csv"],
    "studies": [".csv"],
    "tables": [".csv", ".html"],
}


class Results:
    """All results of a paper in a folder, made by the workflow that lies at `root`."""

    def __init__(self, paper: Paper, root: Path, folder: Path | None = None):
        self.paper, self.root = paper, root
        self.folder = folder or Path(paper.config.results)
        self.forget()

    def forget(self) -> None:
        """Ask anew what lies in the folder; the rules ask the same of every result many times."""
        self.made, self.identity = cache(self.find_made), cache(self.find_identity)
        self.verdict = cache(self.find_verdict)

    def all(self) -> list[Result]:
        """Every result, each after those that it is made of."""
        runs = self.paper.runs
        named = {
            "runs": runs,
            "kernels": runs,
            "measures": runs,
            "figures": self.paper.config.figures,
            "studies": self.paper.config.studies,
            "tables": self.tables,
        }
        return [Result(kind, name) for kind, names in named.items() for name in names]

    @cached_property
    def tables(self) -> list[str]:
        """The studies' tables, and the claims."""
        return [*self.paper.config.studies, *(["claims"] if self.paper.config.claims else [])]

    def notebook_of(self, table: str) -> str:
        """The notebook that shows a table."""
        return "claims" if table == "claims" else self.paper.config.studies[table].notebook

    def parts(self, result: Result) -> list[Result]:
        """The results that a result is made of."""
        match result.kind:
            case "kernels":
                return [Result("runs", result.name)]
            case "measures":
                return [Result("kernels", result.name)]
            case "figures":
                return self._of_runs(self.paper.runs_shown(result.name))
            case "tables" if result.name == "claims":
                return self._of_runs(self.paper.judged)
            case "tables":
                return [Result("studies", result.name)]
        return []

    def _of_runs(self, names: list[str]) -> list[Result]:
        return [Result(kind, name) for kind in ("kernels", "measures") for name in dict.fromkeys(names)]

    def settings(self, result: Result) -> dict[str, Any]:
        """What the command that makes a result is told, in its settings file."""
        match result.kind:
            case "runs":
                run = self.paper.runs[result.name]
                return {"run": run.name, "seed": run.seed, "settings": run.settings.resolved()}
            case "figures":
                return figure_settings(self.paper, result.name)
            case "studies":
                return study_settings(self.paper, result.name)
            case "tables" if result.name == "claims":
                return claims_settings(self.paper)
            case "tables":
                return study_settings(self.paper, result.name)
        return {}

    def find_made(self, result: Result) -> Identity | None:
        """What a result was made by, as it says itself; None where it does not."""
        return Identity.read(self.folder / result.beside("identity"))

    def find_identity(self, result: Result) -> Identity:
        """What decides a result now. Raises UserError where its code cannot be read."""
        if result.kind == "runs":
            run = self.paper.runs[result.name]
            made = self.made(result)
            return run.identity(self._data(run.settings.data_sets(), made))
        inputs = {f"{part.kind}/{part.name}": self.key(part) for part in self.parts(result)}
        match result.kind:
            case "kernels":
                return Identity({}, inputs, code_of(KERNEL))
            case "measures":
                return Identity({}, inputs, code_of(MEASURES))
            case "studies":
                study = self.paper.config.studies[result.name]
                return Identity(study.resolved(), inputs, code_of(tuple(study.modules())), study.given())
        settings = self.settings(result)
        code = code_of_notebook(self.root / f"notebooks/{settings['notebook']}.ipynb")
        if result.name == "claims" and result.kind == "tables":
            kinds = {module for claim in self.paper.config.claims.values() for module in claim.modules()}
            code = code | code_of(tuple(sorted(kinds)))
        return Identity(settings, inputs, code)

    def _data(self, names: list[str], made: Identity | None) -> dict[str, str]:
        """The digest of each file of these data sets; of one that is not there, what the run was made of."""
        digests = {}
        for name in names:
            try:
                files = describe(self.folder / "data" / name)["sha256"]
                digests |= {f"{name}/{file}": digest for file, digest in files.items()}
            except UserError:
                kept = made.inputs if made else {}
                digests |= {file: digest for file, digest in kept.items() if file.startswith(f"{name}/")}
        return digests

    def key(self, result: Result) -> str:
        """The key of a result as it is, where it stands, else as it will be."""
        made = self.made(result)
        stands = made is not None and self.verdict(result) == []
        return made.key if stands else self.identity(result).key

    def find_verdict(self, result: Result) -> list[str] | None:
        """Why a result would be made again, [] where it stands; None where it is not there."""
        if (
            not (self.folder / result.outputs[0]).exists()
            and not (self.folder / result.beside("identity")).exists()
        ):
            return None
        made = self.made(result)
        wanted = self.identity(result)
        said = changes(made, wanted)
        if said and accepted(self.folder / result.beside("accepted"), made, wanted):
            return []
        return said
