"""A study on a Ray cluster of several nodes, all of them on this machine."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from ray._raylet import GcsClient
from ray.cluster_utils import Cluster

from tests.support.running_program import (
    SMALL,
    TWO_ARMS,
    Session,
    assert_whole,
    complete,
    one_error_line,
    report_of,
    run_warm,
    trials,
)

pytestmark = pytest.mark.slow

BRIEF = SMALL[: SMALL.index("--runner")]  # without the local runner
LONG = ("--space", "quick", "--trainings", "40", "--epochs", "30", "--seeds", "2")
LONG = (*LONG, "--no-references", "--workers", "2", *TWO_ARMS)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A head that trains nothing, and a node with a CPU and a GPU that is none."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "num_gpus": 0})
    cluster.add_node(num_cpus=1, num_gpus=1)
    yield cluster
    cluster.shutdown()


def test_workers_share_a_gpu_of_the_cluster_whose_job_table_has_no_command_line(
    cluster: Cluster, tmp_path: Path
) -> None:
    study = tmp_path / "study"
    place = ("--ray-address", cluster.address, "--device", "cpu")
    search = ("search", "penguins", *BRIEF, "--no-references", *TWO_ARMS, *place)
    done = run_warm(*search, "--gpus-per-worker", "0.25", "--study", study, cwd=tmp_path)
    assert done.code == 0, done.err
    assert report_of(study)["study"]["finished"]
    jobs = GcsClient(address=cluster.address).get_all_job_info()
    assert {job.entrypoint for job in jobs.values()} == {"mtlsearch"}
    scarce = ("--gpus-per-worker", "2", "--study", tmp_path / "scarce")
    refused = run_warm(*search, *scarce, cwd=tmp_path)
    assert refused.code == 2, refused.err
    assert "has 1 GPUs" in one_error_line(refused)


def test_a_node_dies_and_another_comes(cluster: Cluster, session: Session, tmp_path: Path) -> None:
    study = tmp_path / "study"
    undisturbed = tmp_path / "undisturbed"
    dying = cluster.add_node(num_cpus=1)
    search = ("search", "penguins", *LONG)
    place = ("--ray-address", cluster.address, "--study", study)
    with session.started(*search, *place) as program:
        program.wait_until(lambda: complete(study) >= 10)
        cluster.remove_node(dying, allow_graceful=False)
        cluster.add_node(num_cpus=1)
        done = program.finish(400)
    assert done.code == 0, done.err
    local = ("--runner", "local", "--study", undisturbed)
    assert run_warm(*search, *local, cwd=tmp_path).code == 0
    for arm, count in (("searched", 40), ("single_task", 40), ("confirmation@40", 4)):
        assert_whole(study, arm, count)
        assert _scores(study, arm) == _scores(undisturbed, arm)


def test_a_study_whose_cluster_is_gone_goes_on_here(session: Session, tmp_path: Path) -> None:
    study = tmp_path / "study"
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    search = ("search", "penguins", *BRIEF, "--no-references", *TWO_ARMS, "--epochs", "100")
    try:
        place = ("--ray-address", cluster.address, "--study", study)
        with session.started(*search, *place) as program:
            program.wait_until(lambda: complete(study) >= 1)
            program.process.send_signal(signal.SIGINT)
            assert program.finish(60).code == 130
    finally:
        cluster.shutdown()
    refused = run_warm("resume", study, cwd=tmp_path)
    assert refused.code == 2, refused.err
    assert "no cluster answers" in one_error_line(refused)
    resumed = run_warm("resume", study, "--ray-address", "local", cwd=tmp_path)
    assert resumed.code == 0, resumed.err
    assert report_of(study)["study"]["finished"]


def _scores(study: Path, arm: str) -> list[object]:
    """What came out of the trainings of an arm."""
    return [trial.user_attrs["result"]["scores"] for trial in trials(study, arm)]
