rule measure:
    input:
        unpack(
            inputs("measures", "run", lambda run: {"kernel": f"{RESULTS}/kernels/{run}.npz"})
        ),
    output:
        measures=f"{RESULTS}/measures/{{run}}.parquet",
        identity=f"{RESULTS}/measures/{{run}}.identity.json",
    log:
        f"{RESULTS}/logs/measure/{{run}}.log",
    conda:
        ENVIRONMENT
    message:
        "Measuring {wildcards.run}"
    shell:
        "hallmarks measure --settings={input.settings:q} --run {wildcards.run} "
        "--output={output.measures:q} -- {input.kernel:q} > {log:q} 2>&1"


rule measures_all:
    input:
        [f"{RESULTS}/measures/{run}.parquet" for run in paper.runs],
        removals(paper.runs),
