rule figure:
    input:
        sources("commands.notebook", "plots"),
        notebook=lambda wildcards: f"notebooks/{paper.figures[wildcards.figure].notebook}.ipynb",
        kernels=lambda wildcards: [
            f"{RESULTS}/kernels/{run}.npz" for run in runs_shown(wildcards.figure)
        ],
        measures=lambda wildcards: [
            f"{RESULTS}/measures/{run}.parquet" for run in runs_shown(wildcards.figure)
        ],
    output:
        png=report(
            f"{RESULTS}/figures/{{figure}}.png",
            caption="../report/figure.rst",
            category=lambda wildcards: section_of(wildcards.figure),
            labels=lambda wildcards: {
                "figure": label_of(wildcards.figure),
                "shows": paper.figures[wildcards.figure].title,
            },
        ),
        pdf=f"{RESULTS}/figures/{{figure}}.pdf",
        csv=f"{RESULTS}/figures/{{figure}}.csv",
        notebook=f"{RESULTS}/notebooks/{{figure}}.ipynb",
    log:
        f"{RESULTS}/logs/figure/{{figure}}.log",
    conda:
        ENVIRONMENT
    params:
        parameters=parameters_of,
        stem=lambda wildcards, output: os.path.splitext(output.png)[0],
        # The caption reads these.
        title=lambda wildcards: paper.figures[wildcards.figure].title,
        scale=paper.scale,
        shown=lambda wildcards: shown_in(wildcards.figure),
        choices=lambda wildcards: choices_of(wildcards.figure),
    message:
        "Drawing {wildcards.figure}"
    shell:
        "hallmarks notebook {input.notebook} -o {output.notebook} --figure {params.stem} "
        "--parameters {params.parameters:q} > {log} 2>&1"


rule figures_all:
    input:
        [f"{RESULTS}/figures/{figure}.png" for figure in paper.figures],
        removals(
            sorted({run for figure in paper.figures for run in runs_shown(figure)})
        ),


for name in paper.figures:

    rule:
        name:
            name
        input:
            f"{RESULTS}/figures/{name}.png",
            removals(runs_shown(name)),
        localrule: True
