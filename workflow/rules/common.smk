# Paths, wildcards, and the flags of inputs; what the rules say beside this is in hallmarks.workflow.
from hallmarks.errors import UserError
from hallmarks.workflow.results import Result

RESULTS = str(results.folder)
ENVIRONMENT = "../../envs/hallmarks.yaml"


wildcard_constraints:
    run=r"[^/]+/[^/]+/seed\d+",
    figure="|".join(paper.config.figures) or "none",
    study="|".join(paper.config.studies) or "none",
    dataset=r"[a-z0-9][a-z0-9-]*",


def result(path):
    """A file below the results, which are on a file system whatever a module's or the command line's storage.

    The folder is the one where they really are; Snakemake must not put a module's prefix before it once more.
    """
    return local(f"{RESULTS}/{path}")


def inputs(kind, wildcard, paths=lambda name: {}):
    """For `unpack`: a job's settings file, and the paths that a result is made of, flagged."""

    def of_job(wildcards):
        name = getattr(wildcards, wildcard)
        try:
            return requests.inputs(kind, name, **paths(name))
        except UserError as error:
            raise WorkflowError(str(error)) from None

    return of_job


def files_read(kind, name):
    """What a figure or a table reads: of its runs, and the numbers of its studies."""
    read = results.files_read(Result(kind, name))
    return {word: [result(path) for path in paths] for word, paths in read.items()}


def trajectories(runs):
    """The points of runs, and the data that they were trained on."""
    names = {name for run in runs for name in paper.runs[run].settings.data_sets()}
    files = ["trajectory.json", "points.sha256"]
    return {
        "points": [
            result(f"runs/{run}/trajectory/{file}") for run in runs for file in files
        ],
        "data": [result(f"data/{name}/data.json") for name in sorted(names)],
    }


def table_inputs(table):
    """What a table is made of: the claims of what they judge, a study's of its numbers, others as figures are."""
    if table == "claims":
        return {"judged": [result(path) for path in results.files_judged]}
    if table in paper.config.studies:
        return {"rows": result(f"studies/{table}.csv")}
    return files_read("tables", table)


def files_of(kind, name):
    """All that is made of a figure or a table, so that none of it can be missed."""
    return [result(path) for path in Result(kind, name).outputs]


def removals_for(figures):
    """What removes the points of the runs that these figures show, where the configuration wants that.

    A figure that reads logs alone has no kernels made, and leaves the points of its runs.
    """
    shown = [Result("figures", name) for name in figures]
    measured = [each for each in shown if set(results.reads(each)) - {"logs"}]
    return removals(
        sorted({run for each in measured for run in paper.runs_shown(each.name)})
    )


def removals(names):
    """What removes the points of these runs, where the configuration wants that."""
    return (
        []
        if paper.config.keep_trajectories
        else [
            result(f"runs/{run}/removed.json")
            for run in names
            if paper.runs[run].settings.keeps_points
        ]
    )
