rule data:
    output:
        # Not deleted before the job: data that are there are taken as they are.
        update(result("data/{dataset}/data.json")),
    log:
        result("logs/data/{dataset}.log"),
    conda:
        ENVIRONMENT
    params:
        settings=lambda wildcards: requests.data(wildcards.dataset),
        folder=lambda wildcards: f"{RESULTS}/data/{wildcards.dataset}",
    message:
        "Getting {wildcards.dataset}"
    shell:
        "hallmarks data --settings={params.settings:q} --output={params.folder:q} > {log:q} 2>&1"


rule data_all:
    input:
        [result(f"data/{name}/data.json") for name in paper.data_sets],
    localrule: True
