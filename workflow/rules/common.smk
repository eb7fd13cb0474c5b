# Paths, wildcards, and the flags of inputs; what the rules say beside this is in hallmarks.workflow.
from hallmarks.errors import UserError

RESULTS = str(results.folder)
SCRATCH = paper.config.scratch
ENVIRONMENT = "../../envs/hallmarks.yaml"


wildcard_constraints:
    run=r"[^/]+/[^/]+/seed\d+",
    figure="|".join(paper.config.figures) or "none",
    study="|".join(paper.config.studies) or "none",
    dataset=r"[a-z0-9][a-z0-9-]*",


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
        "kernels": [f"{RESULTS}/kernels/{run}.npz" for run in runs],
        "measures": [f"{RESULTS}/measures/{run}.parquet" for run in runs],
    }


def removals(names):
    """What removes the points of these runs, where the configuration wants that."""
    return (
        []
        if paper.config.keep_trajectories
        else [f"{RESULTS}/runs/{run}/removed.json" for run in names]
    )
