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
