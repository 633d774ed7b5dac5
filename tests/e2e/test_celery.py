"""Celery, unmodified, with one of our servers as its broker and its result store."""
import importlib
import os
import pathlib
import signal
import subprocess
import sys

import pytest

from harness import HOST, wait_until

DATA = pathlib.Path(__file__).resolve().parent / "data"
CONFIG = """
port {port}
daemonize yes
dir ./
save ""
appendonly no
{more}
"""
TASKS = 60


class Worker:
    """`celery worker` in a process of its own."""

    def __init__(self, environment, folder):
        self.log = folder / "worker.log"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "celery_tasks", "worker", "--concurrency", "2", "--loglevel", "INFO"],
            cwd=DATA, env=environment, stdout=self.log.open("w"), stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    def ready(self):
        assert self._process.poll() is None, self.log.read_text()
        return "ready." in self.log.read_text()

    def end(self):
        if self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)


@pytest.fixture
def tasks(cluster, ports, monkeypatch):
    """The module of tasks, with a worker that runs them."""
    port = ports.take()[0]
    server = os.environ.get("CELERY_TEST_SERVER", "ashlar-server")
    cluster.add(port, CONFIG.format(port=port, more="threads 2" if server == "ashlar-server" else ""), server).start()
    monkeypatch.setenv("BROKER_URL", f"redis://{HOST}:{port}/0")
    monkeypatch.setenv("RESULT_URL", f"redis://{HOST}:{port}/1")
    monkeypatch.syspath_prepend(str(DATA))
    worker = Worker(dict(os.environ), cluster.folder)
    try:
        wait_until(worker.ready, 60, "the Celery worker")
        sys.modules.pop("celery_tasks", None)
        module = importlib.import_module("celery_tasks")
        yield module
        module.app.backend.result_consumer.stop()  # or it reconnects while the server is gone
        module.app.close()
    except AssertionError:
        print(worker.log.read_text())
        raise
    finally:
        worker.end()


def test_tasks_run_and_their_results_come_back(tasks):
    results = [tasks.add.delay(i, i) for i in range(TASKS)]
    assert [result.get(timeout=60) for result in results] == [2 * i for i in range(TASKS)]


def test_failures_retries_groups_and_chords_work(tasks):
    from celery import chain, chord, group

    with pytest.raises(ValueError, match="no luck"):
        tasks.fail.delay("no luck").get(timeout=60)
    assert tasks.third_time.delay().get(timeout=60) == 2
    assert group(tasks.add.s(i, 1) for i in range(10))().get(timeout=60) == list(range(1, 11))
    assert chain(tasks.add.s(1, 2), tasks.add.s(3))().get(timeout=60) == 6
    assert chord((tasks.add.s(i, i) for i in range(10)), tasks.total.s())().get(timeout=60) == 90


def test_a_task_with_a_countdown_and_control_commands_work(tasks):
    result = tasks.add.apply_async((1, 2), countdown=1)
    replies = tasks.app.control.ping(timeout=10)
    assert len(replies) == 1 and list(replies[0].values()) == [{"ok": "pong"}]
    assert result.get(timeout=60) == 3
