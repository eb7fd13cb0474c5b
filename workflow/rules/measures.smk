rule measure:
    input:
        sources("commands.measure"),
        kernel=f"{RESULTS}/kernels/{{run}}.npz",
    output:
        f"{RESULTS}/measures/{{run}}.parquet",
    log:
        f"{RESULTS}/logs/measure/{{run}}.log",
    conda:
        ENVIRONMENT
    message:
        "Measuring {wildcards.run}"
    shell:
        "hallmarks measure {input.kernel} --run {wildcards.run} -o {output} > {log} 2>&1"


rule measures_all:
    input:
        [f"{RESULTS}/measures/{run}.parquet" for run in runs],
        removals(runs),
