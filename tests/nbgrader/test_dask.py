"""Grade on a real Dask cluster on this machine, and lose a worker in the middle.

It runs in the instructors' environment: `make nbgrader`.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

distributed = pytest.importorskip("distributed", reason="make nbgrader runs it in the instructors' environment")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "grading"))

from pretend import deliver, job  # noqa: E402
from test_book import content, grade, new_book  # noqa: E402

from nsputil.grading.dask_cluster import connected  # noqa: E402
from nsputil.grading.job import close_graders  # noqa: E402


@pytest.fixture(scope="module")
def cluster():
    """Two workers, processes with one thread each, that can import the pretended grader."""
    here = str(Path(__file__).resolve().parents[1] / "grading")
    os.environ["PYTHONPATH"] = os.pathsep.join([here, str(Path(__file__).resolve().parents[2])])
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        yield cluster


def test_a_worker_that_is_lost_in_the_middle_costs_nothing(cluster, tmp_path):
    deliver(tmp_path / "in", {f"s{k:02}": "wait sign" if k % 2 else "wait text" for k in range(60)})
    with new_book(tmp_path) as book:
        grade(tmp_path / "in", book)
        alone = content(book)
    close_graders()
    executor, window = connected(cluster.scheduler_address)
    (tmp_path / "cluster").mkdir()
    with new_book(tmp_path / "cluster") as book:
        lost = []

        def lose():
            while len(book) < 10:
                time.sleep(0.02)
            lost.append(next(iter(cluster.workers.values())).pid)
            os.kill(lost[0], signal.SIGKILL)

        thread = threading.Thread(target=lose)
        thread.start()
        tally = grade(tmp_path / "in", book, job(), executor, window)
        thread.join()
        assert lost and tally.counts == {"graded": 60} and content(book) == alone


def test_an_address_where_nobody_answers():
    with pytest.raises(ValueError, match="--dask is 'tcp://127.0.0.1:9'"):
        connected("tcp://127.0.0.1:9")
