rule train:
    input:
        unpack(
            inputs(
                "runs",
                "run",
                lambda run: {
                    "data": [
                        result(f"data/{name}/data.json")
                        for name in paper.runs[run].settings.data_sets()
                    ],
                    # What a branch goes on from.
                    "parent": [
                        result(f"runs/{part.name}/trajectory/trajectory.json")
                        for part in results.parts(Result("runs", run))
                    ],
                },
            )
        ),
    output:
        trajectory=result("runs/{run}/trajectory/trajectory.json"),
        # Stands for the points, and goes with them: whoever needs them then trains again.
        points=result("runs/{run}/trajectory/points.sha256"),
        log=result("runs/{run}/log.csv"),
        settings=result("runs/{run}/settings.yaml"),
        identity=result("runs/{run}/identity.json"),
    log:
        result("logs/train/{run}.log"),
    benchmark:
        result("benchmarks/train/{run}.tsv")
    conda:
        ENVIRONMENT
    params:
        data=f"{RESULTS}/data",
        folder=lambda wildcards: f"{RESULTS}/runs/{wildcards.run}",
        scratch=paper.config.scratch,
    message:
        "Training {wildcards.run}"
    shell:
        "hallmarks train {wildcards.run} --settings={input.settings:q} --data={params.data:q} "
        "--scratch={params.scratch:q} --record-divergence --output={params.folder:q} > {log:q} 2>&1"


rule train_all:
    input:
        [result(f"runs/{run}/trajectory/trajectory.json") for run in paper.runs_in_all],
    localrule: True
