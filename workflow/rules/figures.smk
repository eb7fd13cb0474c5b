from hallmarks.workflow.captions import (
    choices_of,
    label_of,
    plain,
    section_of,
    shown_by,
)


def runs_shown(figure):
    """The names of the runs that a figure shows."""
    return [run for row in paper.shown[figure] for run in row.names]


rule figure:
    input:
        unpack(
            inputs(
                "figures",
                "figure",
                lambda figure: kernels_and_measures(runs_shown(figure)),
            )
        ),
    output:
        png=report(
            result("figures/{figure}.png"),
            caption="../report/figure.rst",
            category=lambda wildcards: section_of(paper, wildcards.figure),
            labels=lambda wildcards: {
                "figure": label_of(wildcards.figure),
                "shows": plain(paper.config.figures[wildcards.figure].title),
            },
        ),
        pdf=result("figures/{figure}.pdf"),
        csv=result("figures/{figure}.csv"),
        notebook=result("notebooks/{figure}.ipynb"),
        identity=result("figures/{figure}.identity.json"),
    log:
        result("logs/figure/{figure}.log"),
    conda:
        ENVIRONMENT
    params:
        notebook=lambda wildcards: f"{ROOT}/notebooks/{paper.config.figures[wildcards.figure].notebook}.ipynb",
        stem=lambda wildcards: f"{RESULTS}/figures/{wildcards.figure}",
        # The caption reads these.
        title=lambda wildcards: paper.config.figures[wildcards.figure].title,
        scale=paper.config.scale,
        shown=lambda wildcards: shown_by(paper, wildcards.figure),
        choices=lambda wildcards: choices_of(paper, wildcards.figure),
    message:
        "Drawing {wildcards.figure}"
    shell:
        "hallmarks notebook --settings={input.settings:q} --stem={params.stem:q} "
        "--output={output.notebook:q} -- {params.notebook:q} > {log:q} 2>&1"


def of_figure(name):
    """All that is made of a figure, so that none of it can be missed."""
    return [
        *(result(f"figures/{name}.{suffix}") for suffix in ["png", "pdf", "csv"]),
        result(f"notebooks/{name}.ipynb"),
    ]


rule figures_all:
    input:
        [path for name in paper.config.figures for path in of_figure(name)],
        removals(
            sorted({run for name in paper.config.figures for run in runs_shown(name)})
        ),
    localrule: True


for name in paper.config.figures:

    rule:
        name:
            name
        input:
            of_figure(name),
            removals(runs_shown(name)),
        localrule: True
