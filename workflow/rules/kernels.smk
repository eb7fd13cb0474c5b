rule kernel:
    input:
        sources("commands.kernel"),
        trajectory=f"{RESULTS}/runs/{{run}}/trajectory/trajectory.json",
    output:
        f"{RESULTS}/kernels/{{run}}.npz",
    log:
        f"{RESULTS}/logs/kernel/{{run}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/kernel/{{run}}.tsv"
    conda:
        ENVIRONMENT
    params:
        folder=lambda wildcards, input: os.path.dirname(input.trajectory),
    message:
        "Computing the kernel of {wildcards.run}"
    shell:
        "hallmarks kernel {params.folder} -o {output} > {log} 2>&1"


rule kernels_all:
    input:
        [f"{RESULTS}/kernels/{run}.npz" for run in runs],
