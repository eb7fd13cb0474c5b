rule train:
    input:
        sources("commands.train"),
        data=lambda wildcards: f"{RESULTS}/data/{runs[wildcards.run].settings.data.name}/data.json",
    output:
        trajectory=f"{RESULTS}/runs/{{run}}/trajectory/trajectory.json",
        # Stands for the points, and goes with them: whoever needs them then trains again.
        points=f"{RESULTS}/runs/{{run}}/trajectory/points.sha256",
        log=f"{RESULTS}/runs/{{run}}/log.csv",
        settings=f"{RESULTS}/runs/{{run}}/settings.yaml",
    log:
        f"{RESULTS}/logs/train/{{run}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train/{{run}}.tsv"
    conda:
        ENVIRONMENT
    params:
        settings=settings_of,
        data=lambda wildcards, input: os.path.dirname(input.data),
        folder=lambda wildcards, output: os.path.dirname(output.log),
        scratch=SCRATCH,
    message:
        "Training {wildcards.run}"
    shell:
        "hallmarks train {wildcards.run} --settings {params.settings:q} --data {params.data} "
        "--scratch {params.scratch} --record-divergence -o {params.folder} > {log} 2>&1"


rule train_all:
    input:
        [f"{RESULTS}/runs/{run}/trajectory/trajectory.json" for run in runs],
