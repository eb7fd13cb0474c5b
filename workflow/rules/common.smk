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


def kernels_and_measures(runs):
    return {
        "kernels": [result(f"kernels/{run}.npz") for run in runs],
        "measures": [result(f"measures/{run}.parquet") for run in runs],
    }


def table_inputs(table):
    """What a table is made of: the claims of what they judge, a study's of its numbers."""
    if table == "claims":
        return kernels_and_measures(paper.judged)
    return {"rows": result(f"studies/{table}.csv")}


def files_of(kind, name):
    """All that is made of a figure or a table, so that none of it can be missed."""
    return [result(path) for path in Result(kind, name).outputs]


def removals(names):
    """What removes the points of these runs, where the configuration wants that."""
    return (
        []
        if paper.config.keep_trajectories
        else [result(f"runs/{run}/removed.json") for run in names]
    )
