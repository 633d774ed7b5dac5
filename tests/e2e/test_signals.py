"""What the signals of operators and terminals do to a server."""
import signal

import pytest

CONFIG = """
port {port}
daemonize yes
dir ./
save 900 1
appendonly no
threads 2
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_in_order(cluster, ports, number):
    [port] = ports.take()
    node = cluster.add(port, CONFIG.format(port=port)).start()
    node.call("SET", "k", "v")
    node.signal(number)
    assert "ready to exit" in node.log.read_text()
    node.start()
    assert node.call("GET", "k") == "v"


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT])
def test_a_crash_leaves_the_signal_and_the_stack_in_the_log(cluster, ports, number):
    [port] = ports.take()
    node = cluster.add(port, CONFIG.format(port=port)).start()
    node.signal(number)
    log = node.log.read_text()
    assert f"crashed by signal: {int(number)}" in log and "STACK TRACE" in log


def test_a_crash_leaves_nothing_when_the_report_is_switched_off(cluster, ports):
    [port] = ports.take()
    node = cluster.add(port, CONFIG.format(port=port)).start()
    assert node.call("CONFIG", "SET", "crash-log-enabled", "no") == "OK"
    node.signal(signal.SIGSEGV)
    assert "STACK TRACE" not in node.log.read_text()


def test_a_pid_file_goes_with_the_server(cluster, ports):
    [port] = ports.take()
    node = cluster.add(port, CONFIG.format(port=port)).start()
    file = node.folder / "node.pid"
    assert int(file.read_text()) == node.pid
    node.signal(signal.SIGTERM)
    assert not file.exists()
