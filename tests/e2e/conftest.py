"""Fixtures of the end-to-end tests, and the logs of the nodes beside every failure."""
import re

import pytest

import harness

LOG_LINES = 40


@pytest.fixture(scope="session")
def ports():
    return harness.Ports()


@pytest.fixture
def cluster(request):
    """An empty cluster of the test that asks for it; its nodes end with it."""
    nodes = harness.Cluster(re.sub(r"[^\w.-]+", "-", request.node.nodeid.split("/")[-1]))
    yield nodes
    nodes.end()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if not report.failed:
        return
    values = getattr(item, "funcargs", {}).values()
    clusters = {id(c): c for c in (getattr(v, "cluster", v) for v in values) if isinstance(c, harness.Cluster)}
    for node in (node for nodes in clusters.values() for node in nodes.nodes):
        if node.log.exists():
            lines = node.log.read_text(errors="replace").splitlines()[-LOG_LINES:]
            report.sections.append((f"log of {node!r}", "\n".join(lines)))
