rule data:
    input:
        sources("commands.data"),
    output:
        f"{RESULTS}/data/{{dataset}}/data.json",
    log:
        f"{RESULTS}/logs/data/{{dataset}}.log",
    conda:
        ENVIRONMENT
    params:
        folder=folder_of,
        source=lambda wildcards: (
            f"--source {paper.data[wildcards.dataset]}"
            if wildcards.dataset in paper.data
            else ""
        ),
    message:
        "Getting {wildcards.dataset}"
    shell:
        "hallmarks data {wildcards.dataset} {params.source} -o {params.folder} > {log} 2>&1"


rule data_all:
    input:
        [
            f"{RESULTS}/data/{name}/data.json"
            for name in sorted({run.settings.data.name for run in runs.values()})
        ],
