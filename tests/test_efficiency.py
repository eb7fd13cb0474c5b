"""From the executor's own efficiency report to what a profile should ask for."""

import logging
from pathlib import Path

import pytest
from snakemake_executor_plugin_slurm.efficiency_report import parse_sacct_data

from hallmarks.errors import UserError
from hallmarks.planning.efficiency import Use, read, render

# JobID, JobName, Comment, Elapsed, TotalCPU, NNodes, NCPUS, MaxRSS, ReqMem: as sacct tells them
JOBS = """\
7|x|rule_train_wildcards_vgg16_default_seed0|00:20:00|00:30:00|1|8||8000M
7.batch|batch||00:20:00|00:00:05|1|8|200000K|
7.0|python||00:20:00|00:30:00|1|8|1048576K|
8_2|x|rule_train_wildcards_vgg16_default_seed1|00:10:00|00:20:00|1|8||16000M
8_2.0|python||00:10:00|00:20:00|1|8|512M|
9|x|rule_kernels|00:01:00|00:00:30|1|4||4000M
9.0|python||00:01:00|00:00:30|1|4|300M|"""


@pytest.fixture
def report(tmp_path) -> Path:
    path = tmp_path / "efficiency_report_x.csv"
    parse_sacct_data(JOBS.splitlines(), 0.8, "x", logging.getLogger()).to_csv(path)
    return path


def test_what_jobs_used_and_what_to_ask_for(report):
    kernels, train = read([report])
    assert kernels == Use("kernels", 1, seconds=60, busy=0.5, cores=4, used=300, asked=4000)
    assert train == Use("train", 2, seconds=1200, busy=2, cores=8, used=1024, asked=16000)
    suggested = render([kernels, train], {"kernels": ["kernel", "measure"]}).partition("set-resources:")[2]
    for line in ["measure:\n    mem_mb: attempt * 400\n    runtime: attempt * 10\n", "  train: 2"]:
        assert line in suggested
    assert "train:\n    mem_mb: attempt * 1300\nset-threads:" in suggested


def test_a_file_that_is_no_report_is_named(report, tmp_path):
    with pytest.raises(UserError, match="nowhere.csv: cannot be read"):
        read([tmp_path / "nowhere.csv"])
    report.write_text(report.read_text().replace("RuleName", "Comment"))
    with pytest.raises(UserError, match="RuleName.*job_comment"):
        read([report])
