"""Settings of a cluster node that change while it runs, as its peers and its own clients see them."""
import pytest

from harness import HOST, wait_until

CONFIG = """
port {port}
daemonize yes
dir ./
save ""
cluster-enabled yes
"""


@pytest.fixture
def pair(cluster, ports):
    nodes = [cluster.add(port, CONFIG.format(port=port)).start() for port in ports.take(2)]
    nodes[0].call("CLUSTER", "MEET", HOST, nodes[1].port)
    for node in nodes:
        wait_until(lambda: [m["link"] for m in node.cluster_nodes()] == ["connected"] * 2, 20, "the two to meet")
    return nodes


def addresses(asked, of):
    """Where a node says that another (or itself) is: (address, bus port)."""
    line = next(line for line in asked.call("CLUSTER", "NODES").splitlines() if line.startswith(of))
    address, _, bus = line.split()[1].split(",")[0].partition("@")
    return address, int(bus)


def test_an_address_that_is_no_longer_announced_is_forgotten_by_all(pair):
    peer, node = pair
    name = node.id()
    for announced, seen in (("9.9.9.9", "9.9.9.9"), ("", HOST)):
        assert node.call("CONFIG", "SET", "cluster-announce-ip", announced) == "OK"
        for asked in pair:
            wait_until(lambda: addresses(asked, name)[0] == f"{seen}:{node.port}", 20, f"{asked} to tell of {seen}")


def test_a_node_on_another_port_keeps_its_bus(pair, ports):
    peer, node = pair
    name, bus, [port] = node.id(), node.port + 10000, ports.take()
    assert node.call("CONFIG", "SET", "port", port) == "OK"
    node.port = port
    for asked in pair:
        wait_until(lambda: addresses(asked, name) == (f"{HOST}:{port}", bus), 20, f"{asked} to tell of {port}")
    pings = node.fields("CLUSTER", "INFO")["cluster_stats_messages_ping_received"]
    wait_until(lambda: node.fields("CLUSTER", "INFO")["cluster_stats_messages_ping_received"] != pings, 20, "another ping")
    assert [member["link"] for member in peer.cluster_nodes()] == ["connected"] * 2
