"""The test cluster is a real SLURM: jobs run, see a GPU, are accounted for and preempt each other."""

from cluster import ask, until


def state(job: str) -> str:
    return ask("scontrol", "show", "job", job).split("JobState=")[1].split()[0]


def submit(*arguments: str, command: str = "sleep 600") -> str:
    return ask("sbatch", "--parsable", "-o", "/dev/null", *arguments, "--wrap", command)


def test_a_job_sees_its_gpu_and_is_accounted_for(slurm, tmp_path):
    told = tmp_path / "told"
    job = submit("-p", "gpu", "--gpus=1", command=f"srun -n1 printenv CUDA_VISIBLE_DEVICES > {told}")
    until(lambda: state(job) == "COMPLETED", "the job")
    assert told.read_text().strip() == "0"
    account = ["sacct", "-X", "-n", "-P", "-j", job, "-o", "State"]
    until(lambda: ask(*account) == "COMPLETED", "its account")


def test_preemption_requeues_or_cancels(slurm):
    requeued = submit("-p", "requeued", "--gpus=2", "-N1", "-c", "8")
    cancelled = submit("-p", "cancelled", "--gpus=2", "-N1", "-c", "8")
    until(lambda: state(requeued) == state(cancelled) == "RUNNING", "two jobs, one a node")
    for _ in range(2):
        submit("-p", "urgent", "--gpus=2", "-N1", "-c", "8")
    until(lambda: state(requeued) == "PENDING" and state(cancelled) == "PREEMPTED", "preemption")
