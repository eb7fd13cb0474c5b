# Of what others trained and published: what the hub has is looked up, and the kernel computed while it is read.
import re

FETCHED = [name for name, run in paper.runs.items() if not run.settings.keeps_points]


ruleorder: look_up > train
ruleorder: fetch > kernel


rule look_up:
    input:
        unpack(inputs("runs", "run")),
    output:
        trajectory=result("runs/{run}/trajectory/trajectory.json"),
        points=result("runs/{run}/trajectory/points.sha256"),
        log=result("runs/{run}/log.csv"),
        settings=result("runs/{run}/settings.yaml"),
        identity=result("runs/{run}/identity.json"),
    log:
        result("logs/look_up/{run}.log"),
    wildcard_constraints:
        run="|".join(map(re.escape, FETCHED)) or "none",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        folder=lambda wildcards: f"{RESULTS}/runs/{wildcards.run}",
        scratch=paper.config.scratch,
    message:
        "Looking up {wildcards.run}"
    shell:
        "hallmarks train {wildcards.run} --settings={input.settings:q} --scratch={params.scratch:q} "
        "--output={params.folder:q} > {log:q} 2>&1"


# What is done lies beside the kernel, OUTPUT.partial, each minute: a killed job goes on from there.
rule fetch:
    input:
        unpack(
            inputs(
                "kernels",
                "run",
                lambda run: {
                    "trajectory": result(f"runs/{run}/trajectory/trajectory.json")
                },
            )
        ),
    output:
        kernel=result("kernels/{run}.npz"),
        identity=result("kernels/{run}.identity.json"),
    log:
        result("logs/fetch/{run}.log"),
    benchmark:
        result("benchmarks/fetch/{run}.tsv")
    wildcard_constraints:
        run="|".join(map(re.escape, FETCHED)) or "none",
    conda:
        ENVIRONMENT
    params:
        folder=lambda wildcards: f"{RESULTS}/runs/{wildcards.run}/trajectory",
    message:
        "Fetching {wildcards.run}"
    shell:
        "hallmarks kernel --settings={input.settings:q} --output={output.kernel:q} -- {params.folder:q} "
        "> {log:q} 2>&1"
