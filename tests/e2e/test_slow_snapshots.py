"""What happens while a snapshot is written or loaded that rdb-key-save-delay and key-load-delay slow down."""
import pytest
import redis

from fake_peer import FakeReplica, command
from harness import HOST, process_exists, wait_until

OURS, THEIRS = "ashlar-server", "redis-server"
BOTH = pytest.mark.parametrize("kind", [OURS, THEIRS])
CONFIG = """
port {port}
daemonize yes
dir ./
save ""
appendonly no
enable-debug-command yes
rdbcompression no
repl-diskless-sync-delay 0
"""
SECOND = 1_000_000  # in the unit of the delays


@pytest.fixture
def start(cluster, ports):
    def start_one(kind=OURS, *options):
        port = ports.take()[0]
        return cluster.add(port, CONFIG.format(port=port), server=kind).start(*options)

    return start_one


def saving(node):
    return node.info("persistence")["rdb_bgsave_in_progress"] == "1"


def states(node):
    facts = node.info("replication")
    return [facts[f"slave{i}"].split("state=")[1].split(",")[0] for i in range(int(facts["connected_slaves"]))]


def linked(node):
    return node.info("replication")["master_link_status"] == "up"


def test_a_slow_save_holds_nobody_up_and_ends_when_the_delay_is_taken_back(start):
    node = start()
    node.call("DEBUG", "POPULATE", 100, "key", 10)
    node.call("CONFIG", "SET", "rdb-key-save-delay", SECOND)
    node.call("BGSAVE")
    for i in range(100):
        node.call("SET", f"key:{i}", "later")
    assert saving(node)
    node.call("CONFIG", "SET", "rdb-key-save-delay", 0)
    wait_until(lambda: not saving(node), 20, "the end of the save")
    assert node.info("persistence")["rdb_last_bgsave_status"] == "ok"
    assert b"later" not in (node.folder / "dump.rdb").read_bytes()


def test_a_slow_rewrite_is_ended_by_switching_the_log_off(start):
    node = start()
    node.call("CONFIG", "SET", "appendonly", "yes")
    wait_until(lambda: node.info("persistence")["aof_rewrite_in_progress"] == "0", 20, "the first rewrite")
    node.call("SET", "k", "v")
    node.call("CONFIG", "SET", "rdb-key-save-delay", 60 * SECOND)
    node.call("BGREWRITEAOF")
    with pytest.raises(redis.ResponseError, match="already in progress"):
        node.call("BGREWRITEAOF")
    node.call("CONFIG", "SET", "appendonly", "no")
    assert node.info("persistence")["aof_rewrite_in_progress"] == "0"


@BOTH
def test_flushall_ends_a_save_which_is_no_failure(start, kind):
    node = start(kind)
    node.call("DEBUG", "POPULATE", 100)
    node.call("CONFIG", "SET", "rdb-key-save-delay", SECOND)
    node.call("BGSAVE")
    node.call("FLUSHALL")
    wait_until(lambda: not saving(node), 20, "the end of the save")
    assert node.info("persistence")["rdb_last_bgsave_status"] == "ok"
    assert not (node.folder / "dump.rdb").exists()


@BOTH
def test_a_server_whose_first_log_is_not_complete_does_not_shut_down_unless_forced(start, kind):
    node = start(kind)
    node.call("SET", "k", "v")
    node.call("CONFIG", "SET", "rdb-key-save-delay", 60 * SECOND)
    node.call("CONFIG", "SET", "appendonly", "yes")
    with pytest.raises(redis.ResponseError, match="Errors trying to SHUTDOWN"):
        node.call("SHUTDOWN")
    assert "Writing initial AOF, can't exit" in node.log.read_text()
    assert node.call("GET", "k") == "v"
    pid, node.pid = node.pid, None
    with pytest.raises(redis.ConnectionError):
        node.call("SHUTDOWN", "NOSAVE", "FORCE")
    wait_until(lambda: not process_exists(pid), 20, "the end of the server")


# redis-server notices that nobody is left when its child has something to send only.
@pytest.mark.parametrize("kind,diskless", [(OURS, "no"), (OURS, "yes"), (THEIRS, "no")])
def test_a_synchronisation_counts_as_a_background_save_and_ends_with_its_last_replica(start, kind, diskless):
    primary = start(kind, "--repl-diskless-sync", diskless, "--repl-diskless-sync-delay", "60", "--repl-diskless-sync-max-replicas", "2")
    primary.call("DEBUG", "POPULATE", 100)
    primary.call("CONFIG", "SET", "rdb-key-save-delay", SECOND)
    first, second = FakeReplica(primary.port), FakeReplica(primary.port)
    wait_until(lambda: saving(primary) and states(primary) == ["wait_bgsave"] * 2, 30, "a synchronisation of both")
    first.close()
    wait_until(lambda: states(primary) == ["wait_bgsave"], 20, "the first replica to be gone")
    assert saving(primary)
    second.close()
    wait_until(lambda: not saving(primary), 20, "the end of a snapshot for nobody")


@BOTH
def test_a_replica_that_takes_nothing_for_repl_timeout_is_given_up_and_the_other_gets_the_snapshot(start, kind):
    primary = start(kind, "--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "60", "--repl-diskless-sync-max-replicas", "2")
    primary.call("DEBUG", "POPULATE", 2000, "key", 10000)
    stuck, replica = FakeReplica(primary.port), start()
    replica.call("REPLICAOF", HOST, primary.port)
    wait_until(lambda: saving(primary), 20, "the synchronisation")
    primary.call("CONFIG", "SET", "repl-timeout", 2)  # later than the connections
    wait_until(lambda: linked(replica), 30, "the replica that takes its snapshot")
    assert replica.call("DBSIZE") == 2000
    assert "Disconnecting timedout replica (full sync)" in primary.log.read_text()
    stuck.close()


@BOTH
def test_flushall_begins_a_synchronisation_anew(start, kind):
    primary, replica = start(kind), start()
    primary.call("DEBUG", "POPULATE", 1000)
    primary.call("CONFIG", "SET", "rdb-key-save-delay", SECOND)
    replica.call("REPLICAOF", HOST, primary.port)
    wait_until(lambda: saving(primary), 20, "the synchronisation")
    primary.call("FLUSHALL")
    wait_until(lambda: linked(replica), 30, "a synchronisation without the keys that take a second each")
    assert replica.call("DBSIZE") == 0
    assert primary.info("stats")["sync_full"] == "2"


@BOTH
def test_flushall_lets_a_snapshot_arrive_that_is_complete(start, kind):
    primary = start(kind, "--repl-diskless-sync", "no")
    primary.call("DEBUG", "POPULATE", 1000, "key", 30000)
    replica = FakeReplica(primary.port)
    wait_until(lambda: states(primary) == ["send_bulk"], 20, "the whole file, which does not fit into buffers")
    primary.call("FLUSHALL")
    primary.call("SET", "k", "v")
    replica.take_snapshot()
    assert [replica.command()[0].lower() for _ in range(3)] == ["select", "flushall", "set"]
    assert primary.info("stats")["sync_full"] == "1"
    replica.close()


@pytest.mark.parametrize("load", ["disabled", "on-empty-db", "swapdb"])
def test_a_replica_that_loads_slowly_goes_on_when_the_delay_is_taken_back(start, load):
    primary, replica = start(), start(OURS, "--repl-diskless-load", load, "--key-load-delay", str(60 * SECOND))
    primary.call("DEBUG", "POPULATE", 100)
    replica.call("REPLICAOF", HOST, primary.port)
    wait_until(lambda: replica.info("persistence")["loading"] == "1", 20, "the load")
    replica.call("CONFIG", "SET", "key-load-delay", 0)
    wait_until(lambda: linked(replica), 20, "the link")
    assert replica.call("DBSIZE") == 100


def as_dict(flat):
    return dict(zip(flat[::2], flat[1::2]))


def health(node, of):
    members = [as_dict(member) for shard in node.call("CLUSTER", "SHARDS") for member in as_dict(shard)["nodes"]]
    return next((member["health"] for member in members if member["id"] == of), None)


def shown_in_slots(node, which):
    return which in {endpoint[2] for range_ in node.call("CLUSTER", "SLOTS") for endpoint in range_[2:]}


@BOTH
def test_a_replica_that_loads_is_loading_for_the_cluster_and_not_offered_to_clients(start, kind):
    primary, replica = (start(kind, "--cluster-enabled", "yes") for _ in range(2))
    primary.call("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
    replica.call("CLUSTER", "MEET", HOST, primary.port)
    wait_until(lambda: len(replica.cluster_nodes()) == 2 and not replica.call("CLUSTER", "NODES").count("handshake"), 20,
               "the introduction")
    replica.call("CLUSTER", "REPLICATE", primary.id())
    name = replica.id()
    for node in (primary, replica):
        wait_until(lambda node=node: health(node, name) == "online" and shown_in_slots(node, name), 30, "the replica")
    primary.call("DEBUG", "POPULATE", 2000, "key", 1000)
    replica.call("CONFIG", "SET", "key-load-delay", 2000)
    replica.call("CONFIG", "SET", "loading-process-events-interval-bytes", 1024)
    replica.call("CLUSTER", "RESET")
    replica.call("CLUSTER", "MEET", HOST, primary.port)
    wait_until(lambda: primary.id() in replica.call("CLUSTER", "NODES"), 20, "the introduction")
    replica.call("CLUSTER", "REPLICATE", primary.id())
    wait_until(lambda: health(primary, name) == "loading" and not shown_in_slots(primary, name), 20, "the load")
    replica.call("CONFIG", "SET", "key-load-delay", 0)
    for node in (primary, replica):
        wait_until(lambda node=node: health(node, name) == "online" and shown_in_slots(node, name), 30, "the replica")


@BOTH
def test_the_replicas_of_a_replica_stay_until_its_data_is_replaced(start, kind):
    first, second, middle, last = start(), start(), start(kind), start()
    first.call("SET", "k", "v")
    for replica, primary in ((middle, first), (last, middle)):
        replica.call("REPLICAOF", HOST, primary.port)
        wait_until(lambda replica=replica: linked(replica), 20, "the chain")
    second.call("DEBUG", "POPULATE", 100)
    second.call("CONFIG", "SET", "rdb-key-save-delay", SECOND)
    middle.call("REPLICAOF", HOST, second.port)
    wait_until(lambda: saving(second), 20, "a synchronisation that does not end")
    second.end()
    middle.call("REPLICAOF", HOST, first.port)
    wait_until(lambda: linked(middle), 20, "the former primary")
    first.call("SET", "k", "later")
    wait_until(lambda: last.call("GET", "k") == "later", 20, "a write to arrive at the end of the chain")
    assert "Connection with master lost" not in last.log.read_text()
    facts = middle.info("stats")
    assert (facts["sync_full"], facts["sync_partial_ok"]) == ("1", "0")
    # And when the data goes, so do they.
    third = start()
    third.call("SET", "other", "data")
    middle.call("REPLICAOF", HOST, third.port)
    wait_until(lambda: last.call("GET", "other") == "data", 30, "the new data at the end of the chain")
    assert last.call("DBSIZE") == 1


@BOTH
@pytest.mark.parametrize("words,name", [(("PING",), "ping"), (("XINFO", "HELP"), "xinfo|help"), (("GET", "k"), "get")])
def test_a_replica_that_asks_for_something_is_disconnected(start, kind, words, name):
    primary = start(kind)
    replica = FakeReplica(primary.port)
    replica.take_snapshot()
    replica.acknowledge(0)
    replica.send(command(*words))
    wait_until(lambda: primary.info("replication")["connected_slaves"] == "0", 20, "the replica to be gone")
    log = primary.log.read_text()
    assert f"Replica generated a reply to command '{name}', disconnecting it: " in log
    assert ("== CRITICAL == This master is sending an error to its replica" in log) == (name == "get")
    replica.close()
