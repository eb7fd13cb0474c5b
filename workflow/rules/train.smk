rule train:
    input:
        unpack(
            inputs(
                "runs",
                "run",
                lambda run: {
                    "data": [
                        f"{RESULTS}/data/{name}/data.json"
                        for name in paper.runs[run].settings.data_sets()
                    ]
                },
            )
        ),
    output:
        trajectory=f"{RESULTS}/runs/{{run}}/trajectory/trajectory.json",
        # Stands for the points, and goes with them: whoever needs them then trains again.
        points=f"{RESULTS}/runs/{{run}}/trajectory/points.sha256",
        log=f"{RESULTS}/runs/{{run}}/log.csv",
        settings=f"{RESULTS}/runs/{{run}}/settings.yaml",
        identity=f"{RESULTS}/runs/{{run}}/identity.json",
    log:
        f"{RESULTS}/logs/train/{{run}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train/{{run}}.tsv"
    conda:
        ENVIRONMENT
    params:
        data=f"{RESULTS}/data",
        folder=lambda wildcards: f"{RESULTS}/runs/{wildcards.run}",
        scratch=SCRATCH,
    message:
        "Training {wildcards.run}"
    shell:
        "hallmarks train {wildcards.run} --settings={input.settings:q} --data={params.data:q} "
        "--scratch={params.scratch:q} --record-divergence --output={params.folder:q} > {log:q} 2>&1"


rule train_all:
    input:
        [f"{RESULTS}/runs/{run}/trajectory/trajectory.json" for run in paper.runs],
