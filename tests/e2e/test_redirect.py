"""CLIENT CAPA redirect and CLIENT IMPORT-SOURCE: what clients are told that say more of themselves."""
import os
import signal

import pytest

from harness import wait_until
from wire import Error, Wire

CONFIG = """
port {port}
daemonize yes
dir ./
save ""
appendonly no
threads 2
repl-diskless-sync-delay 0
repl-ping-replica-period 1
{more}
"""


@pytest.fixture
def start(cluster, ports):
    def start_one(more=""):
        port = ports.take()[0]
        return cluster.add(port, CONFIG.format(port=port, more=more)).start()

    return start_one


def follow(replica, primary):
    assert replica.call("REPLICAOF", "127.0.0.1", primary.port) == "OK"
    wait_until(lambda: replica.info("replication")["master_link_status"] == "up", 20, "the link")


def redirected(node):
    wire = Wire(node)
    assert wire.call("CLIENT", "CAPA", "redirect", "something-of-later-times") == "OK"
    return wire


def test_a_replica_sends_those_who_ask_for_it_to_its_primary(start):
    primary, replica = start(), start()
    follow(replica, primary)
    there = Error(f"REDIRECT {primary.address}")
    plain, wire = Wire(replica), redirected(replica)
    assert plain.call("GET", "k") is None
    assert plain.call("SET", "k", "v").startswith("READONLY")
    assert plain.call("READONLY") == Error("ERR This instance has cluster support disabled")
    assert wire.call("GET", "k") == there
    assert wire.call("SET", "k", "v") == there
    assert wire.call("PING") == "PONG"
    assert wire.call("MULTI") == "OK" and wire.call("GET", "k") == there
    assert wire.call("EXEC") == Error("EXECABORT Transaction discarded because of previous errors.")
    assert wire.call("READONLY") == "OK" and wire.call("GET", "k") is None
    assert wire.call("SET", "k", "v") == there, "only reads stay"
    assert wire.call("READWRITE") == "OK" and wire.call("GET", "k") == there
    assert redirected(primary).call("SET", "k", "v") == "OK"
    assert "rejected_calls" in replica.fields("INFO", "commandstats")["cmdstat_get"]
    assert replica.fields("INFO", "errorstats")["errorstat_REDIRECT"] == "count=5"


def test_a_client_waits_while_two_servers_change_their_roles(start):
    primary, replica = start(), start()
    follow(replica, primary)
    wire = redirected(primary)
    assert wire.call("SET", "k", "v") == "OK"
    os.kill(replica.pid, signal.SIGSTOP)
    try:
        assert primary.call("FAILOVER", "TO", "127.0.0.1", replica.port, "TIMEOUT", 100, "FORCE") == "OK"
        wait_until(lambda: primary.info("replication")["master_failover_state"] == "failover-in-progress", 10, "failover")
        wire.send("GET", "k")
        wire.send("PING")
    finally:
        os.kill(replica.pid, signal.SIGCONT)
    assert wire.read_many(2) == [Error(f"REDIRECT {replica.address}"), "PONG"]
    assert redirected(replica).call("GET", "k") == "v"


def test_an_import_sees_what_has_expired_and_nobody_else_removes_it(start):
    node = start()
    wire, other = Wire(node), Wire(node)
    assert wire.call("CLIENT", "IMPORT-SOURCE", "ON") == Error("ERR Server is not in import mode")
    assert wire.call("CONFIG", "SET", "import-mode", "yes") == "OK"
    assert wire.call("CLIENT", "IMPORT-SOURCE", "MAYBE") == Error("ERR syntax error")
    assert wire.call("CLIENT", "IMPORT-SOURCE", "ON") == "OK"
    assert "flags=I " in wire.call("CLIENT", "INFO")
    wire.call("SET", "n", 1, "PX", 1)
    wire.call("SET", "gone", 1)
    wire.call("PEXPIREAT", "gone", 1)
    wait_until(lambda: other.call("GET", "n") is None, 10, "the end of the key")
    assert other.call("GET", "gone") is None
    assert other.call("DBSIZE") == 2 and node.info("stats")["expired_keys"] == "0"
    assert wire.call("GET", "gone") == "1"
    assert wire.call("INCR", "n") == 2, "as at the source, where it had not expired yet"
    assert wire.call("CONFIG", "SET", "import-mode", "no") == "OK"
    wait_until(lambda: other.call("DBSIZE") == 0, 10, "expiry to begin again")


def test_memory_that_runs_out_during_an_import_evicts_nothing(start):
    node = start("import-mode yes\nmaxmemory-policy allkeys-random")
    node.call("SET", "k", "x" * 1000)
    node.call("CONFIG", "SET", "maxmemory", 1)
    assert Wire(node).call("SET", "more", 1).startswith("OOM")
    assert node.call("GET", "k") and node.info("stats")["evicted_keys"] == "0"
