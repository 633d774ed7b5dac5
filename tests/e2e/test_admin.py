"""Users and their permissions, the logs of commands, limits on memory: with a client library and real sockets."""
import fnmatch
import pathlib
import re
import threading

import pytest
import redis

from harness import HOST, wait_until
from wire import Wire

CONFIG = """
port {port}
daemonize yes
dir ./
save ""
appendonly no
threads 2
enable-debug-command yes
"""


@pytest.fixture
def node(cluster, ports):
    port = ports.take()[0]
    return cluster.add(port, CONFIG.format(port=port))


def connect(node, **options):
    return redis.Redis(HOST, node.port, decode_responses=True, socket_timeout=10, **options)


def refused(text):
    return pytest.raises((redis.ResponseError, redis.AuthenticationError), match=text)


def test_users_are_held_to_their_rules(node):
    node.start()
    admin = connect(node)
    admin.acl_setuser("al", enabled=True, passwords=["+pass"], keys=["a:*"], commands=["+get", "+set", "+ping"])
    al = connect(node, username="al", password="pass")
    assert al.set("a:1", "x") and al.get("a:1") == "x"
    assert al.execute_command("PING") is True
    with refused("No permissions to access a key"):
        al.get("b:1")
    with refused("User al has no permissions to run the 'del' command"):
        al.delete("a:1")
    with refused("WRONGPASS|invalid username-password"):
        connect(node, username="al", password="wrong").ping()
    log = admin.acl_log()
    assert [(entry["reason"], entry["object"]) for entry in log] == [("auth", "AUTH"), ("command", "del"), ("key", "b:1")]
    assert log[1]["username"] == "al" and log[1]["client-info"]["user"] == "al"


def test_changes_reach_connections_at_once_and_deleted_users_lose_theirs(node):
    node.start()
    admin = connect(node)
    admin.execute_command("ACL", "SETUSER", "al", "on", "nopass", "~*", "+@all")
    sessions = [connect(node, username="al", password="x", single_connection_client=True) for _ in range(4)]
    for session in sessions:
        session.set("k", 1)
    admin.execute_command("ACL", "SETUSER", "al", "-set")
    for session in sessions:
        with refused("no permissions to run the 'set' command"):
            session.set("k", 2)
    assert admin.execute_command("ACL", "DELUSER", "al", "nobody") == 1
    for session in sessions:
        with pytest.raises(redis.ConnectionError):
            session.connection.send_command("PING")
            session.connection.read_response()
    assert all("user=al" not in line for line in node.call("CLIENT", "LIST").splitlines())


def test_a_deleted_user_loses_at_once_what_it_has_not_read_and_waits_no_longer(node):
    node.start()
    node.call("SETRANGE", "big", "20000000", "x")
    node.call("ACL", "SETUSER", "bob", "on", "nopass", "~*", "&*", "+@all")
    bob, listener = Wire(node), Wire(node, protocol=3)
    for wire in (bob, listener):
        wire.call("AUTH", "bob", "x")
    listener.call("SUBSCRIBE", "c")
    listener.send("GET", "big")
    bob.send("GET", "big")
    bob.send("BLPOP", "k", "0")
    wait_until(lambda: node.info("clients")["blocked_clients"] == "1", 10, "bob to wait")
    wait_until(lambda: node.call("CLIENT", "LIST").count(" cmd=get user=bob") == 1, 10, "the listener to be answered")
    node.call("ACL", "SETUSER", "bob", "resetchannels")
    wait_until(lambda: node.call("CLIENT", "LIST").count(" user=bob") == 1, 10, "the end of the listener")
    assert node.call("PUBLISH", "c", "m") == 0
    assert node.call("ACL", "DELUSER", "bob") == 1
    assert node.call("RPUSH", "k", "SECRET") == 1
    assert node.call("LLEN", "k") == 1
    wait_until(lambda: " user=bob" not in node.call("CLIENT", "LIST"), 10, "the end of bob")


def test_requirepass_is_the_password_of_the_default_user(node):
    node.start()
    connect(node).config_set("requirepass", "first")
    with refused("Authentication required"):
        connect(node).ping()
    admin = connect(node, password="first")
    admin.config_set("requirepass", "second")
    with refused("WRONGPASS|invalid username-password"):
        connect(node, password="first").ping()
    assert connect(node, username="default", password="second").ping()
    admin.config_set("requirepass", "")
    assert connect(node).ping()
    # HELLO logs in, too.
    admin.execute_command("ACL", "SETUSER", "default", ">third")
    raw = redis.Connection(HOST, node.port)
    raw.connect()
    raw.send_command("HELLO", "2", "AUTH", "default", "third")
    assert b"server" in raw.read_response()


def test_who_was_let_in_without_a_password_needs_one_again_when_there_is_one(node):
    node.start()
    admin = Wire(node)
    assert admin.call("ACL", "SETUSER", "default", "resetpass", ">foo") == "OK"
    stranger = Wire(node)
    assert stranger.call("PING").startswith("NOAUTH")
    admin.call("ACL", "SETUSER", "default", "nopass")
    assert stranger.call("PING") == "PONG"
    invited = Wire(node)  # as in Redis: who came in while the door was open stays
    assert invited.call("PING") == "PONG"
    admin.call("ACL", "SETUSER", "default", "resetpass", ">bar")
    assert stranger.call("PING").startswith("NOAUTH")
    assert invited.call("PING") == "PONG"
    assert stranger.call("AUTH", "bar") == "OK"
    admin.call("ACL", "SETUSER", "default", "resetpass", ">baz")
    assert stranger.call("PING") == "PONG"


def test_users_are_kept_in_an_acl_file(node):
    file = node.folder / "users.acl"
    file.write_text("user al on nopass ~* +@all\n")
    node.start("--aclfile", str(file))
    admin = connect(node)
    assert admin.acl_users() == ["al", "default"]
    admin.execute_command("ACL", "SETUSER", "bo", "on", ">x", "%R~r*", "+@read", "(~s* +set)")
    admin.acl_save()
    saved = file.read_text()
    assert saved.splitlines()[1].startswith("user bo on sanitize-payload #")
    assert saved.splitlines()[1].endswith("%R~r* resetchannels -@all +@read (~s* resetchannels -@all +set)")
    admin.execute_command("ACL", "SETUSER", "bo", "off")
    admin.acl_load()
    assert admin.acl_getuser("bo")["enabled"]
    file.write_text("user ce on +nosuch\n")
    with refused("Unknown command or category name in ACL. WARNING: ACL errors detected"):
        admin.acl_load()
    assert admin.acl_users() == ["al", "bo", "default"]


def test_users_survive_a_rewrite_of_the_configuration(node):
    node.start()
    admin = connect(node)
    admin.execute_command("ACL", "SETUSER", "al", "on", ">x", "~a", "+get")
    admin.config_rewrite()
    before = admin.acl_list()
    node.end()
    node.start()
    assert connect(node).acl_list() == before


def test_what_may_not_be_done_any_more_when_exec_comes_is_said_so(node):
    node.start()
    node.call("ACL", "SETUSER", "al", "on", "nopass", "~*", "+@all")
    al = Wire(node)
    for words in (["AUTH", "al", "x"], ["MULTI"], ["SET", "k", "v"], ["PING"]):
        al.call(*words)
    node.call("ACL", "SETUSER", "al", "resetkeys")
    refusal, pong = al.call("EXEC")
    assert refusal.startswith("NOPERM ACLs rules changed") and refusal.endswith("no permission to touch the specified keys")
    assert pong == "PONG"
    al.call("MULTI")
    node.call("ACL", "SETUSER", "al", "-exec")
    assert al.call("EXEC").startswith("EXECABORT Transaction discarded because of: NOPERM")
    assert [entry["context"] for entry in connect(node).acl_log()] == ["multi", "multi"]


def test_dryrun_tells_what_would_be_refused(node):
    node.start()
    admin = connect(node)
    admin.execute_command("ACL", "SETUSER", "al", "+@all", "-config", "+config|get", "%W~w*", "%R~r*")
    dry = lambda *words: admin.execute_command("ACL", "DRYRUN", "al", *words)
    assert dry("SET", "w", "v") == "OK"
    assert dry("SET", "w", "v", "GET") == "User al has no permissions to access the 'w' key"
    assert dry("COPY", "r", "w") == "OK"
    assert dry("COPY", "w", "r") == "User al has no permissions to access the 'w' key"
    assert dry("CONFIG", "GET", "x") == "OK"
    assert dry("CONFIG", "SET", "x", "y") == "User al has no permissions to run the 'config|set' command"
    with refused("User 'bo' not found"):
        admin.execute_command("ACL", "DRYRUN", "bo", "GET", "k")


def test_slow_and_large_commands_are_logged_without_secrets(node):
    node.start()
    admin = connect(node)
    admin.config_set("slowlog-log-slower-than", 0)
    admin.execute_command("SLOWLOG", "RESET")
    admin.config_set("masterauth", "hush")
    entries = admin.execute_command("SLOWLOG", "GET", 1)
    assert "(redacted)" in str(entries) and "hush" not in str(entries)
    admin.config_set("slowlog-log-slower-than", -1)
    admin.config_set("commandlog-request-larger-than", 1000)
    admin.config_set("commandlog-reply-larger-than", 1000)
    admin.set("big", "x" * 2000)
    admin.get("big")
    assert admin.execute_command("COMMANDLOG", "LEN", "large-request") == 1
    assert admin.execute_command("COMMANDLOG", "LEN", "large-reply") == 1
    assert admin.execute_command("COMMANDLOG", "GET", -1, "large-request")[0][2] > 2000


def test_a_reload_keeps_the_dataset(node):
    node.start("--appendonly", "yes")
    admin = connect(node)
    admin.execute_command("DEBUG", "POPULATE", 100, "key", 50)
    admin.set("with", "expiry", ex=1000)
    digest = admin.execute_command("DEBUG", "DIGEST")
    assert admin.execute_command("DEBUG", "RELOAD") == "OK"
    assert admin.execute_command("DEBUG", "DIGEST") == digest
    admin.bgrewriteaof()  # POPULATE is not recorded
    wait_until(lambda: node.info("persistence")["aof_rewrite_in_progress"] == "0", 20, "the end of the rewrite")
    admin.set("after", "rewrite")
    digest = admin.execute_command("DEBUG", "DIGEST")
    assert admin.execute_command("DEBUG", "LOADAOF") == "OK"
    assert admin.execute_command("DEBUG", "DIGEST") == digest


def test_a_rewrite_of_the_whole_configuration_does_not_wait_for_whom_it_keeps_waiting(node):
    node.start()
    done = threading.Event()

    def switch():
        client = connect(node)
        while not done.is_set():
            client.config_set("appendonly", "yes")
            client.config_set("appendonly", "no")

    switching = threading.Thread(target=switch)
    switching.start()
    try:
        admin = connect(node)
        for _ in range(50):
            assert admin.execute_command("DEBUG", "CONFIG-REWRITE-FORCE-ALL") == "OK"
    finally:
        done.set()
        switching.join()


def test_a_reload_takes_nothing_back_that_others_were_told(node):
    node.start("--appendonly", "yes")
    admin = connect(node)
    going_back, done = [], threading.Event()

    def count(key):
        client, last = connect(node), 0
        while not done.is_set():
            try:
                now = client.incr(key)
            except redis.exceptions.BusyLoadingError:
                continue
            if now != last + 1:
                going_back.append((key, last, now))
            last = now

    counting = [threading.Thread(target=count, args=(f"n{number}",)) for number in range(4)]
    for thread in counting:
        thread.start()
    try:
        for _ in range(10):
            assert admin.execute_command("DEBUG", "RELOAD") == "OK"
    finally:
        done.set()
        for thread in counting:
            thread.join()
    assert going_back == []
    values = admin.mget("n0", "n1", "n2", "n3")
    assert admin.execute_command("DEBUG", "LOADAOF") == "OK"
    assert admin.mget("n0", "n1", "n2", "n3") == values


def test_who_waits_while_the_log_is_replayed_is_served_by_what_is_there_in_the_end(node):
    node.start("--appendonly", "yes")
    admin = connect(node)
    admin.rpush("gone", "popped long ago")
    admin.lpop("gone")
    waiting = [Wire(node) for _ in range(2)]
    waiting[0].send("BLPOP", "gone", 0)
    waiting[1].send("BLPOP", "gone", 0.2)
    wait_until(lambda: node.info("clients")["blocked_clients"] == "2", 10, "two clients that wait")
    assert admin.execute_command("DEBUG", "LOADAOF") == "OK"
    assert waiting[1].read() is None
    admin.rpush("gone", "new")
    assert waiting[0].read() == ["gone", "new"]


def test_what_a_flush_saves_does_not_delay_a_rewrite(node):
    node.start("--save", "3600 1")
    admin = connect(node)
    for turn in range(5):
        pipe = admin.pipeline(transaction=False)
        pipe.flushall().set("turn", turn).execute_command("BGREWRITEAOF")
        pipe.execute()
        wait_until(lambda: node.info("persistence")["aof_rewrite_in_progress"] == "0", 20, "the end of the rewrite")
        admin.set("turn", "later")
        assert admin.execute_command("DEBUG", "LOADAOF") == "OK"
        assert admin.get("turn") == str(turn)


MEGABYTE = 1 << 20


def limit_to_present_use(admin, policy, room):
    used = int(admin.info("memory")["used_memory"])
    admin.config_set("maxmemory-policy", policy)
    admin.config_set("maxmemory", used + room)
    return used + room


def test_a_pipeline_does_not_take_more_than_there_is(node):
    node.start()
    admin = connect(node)
    limit = limit_to_present_use(admin, "noeviction", 10 * MEGABYTE)
    pipe = connect(node).pipeline(transaction=False)
    for number in range(64):
        pipe.setrange(f"k{number}", MEGABYTE - 100, "x")
    replies = pipe.execute(raise_on_error=False)
    assert 0 < sum(reply == MEGABYTE - 99 for reply in replies) < 14
    assert "used memory > .maxmemory." in re.sub("'", ".", str(replies[-1]))
    assert int(admin.info("memory")["used_memory"]) < limit + 2 * MEGABYTE


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu",
                                    "volatile-random", "volatile-ttl"])
def test_memory_stays_below_its_limit(node, policy):
    node.start()
    admin = connect(node)
    limit = limit_to_present_use(admin, policy, 2 * MEGABYTE)
    pipe = admin.pipeline(transaction=False)
    for number in range(10_000):
        pipe.set(f"key:{number}", "x" * 500, ex=10_000)
        if number % 500 == 499:
            pipe.execute()
            # Beside the dataset there are the buffers of this very pipeline.
            assert int(admin.info("memory")["used_memory"]) < limit + MEGABYTE
    stats = admin.info("stats")
    assert stats["evicted_keys"] > 0
    assert admin.dbsize() + stats["evicted_keys"] == 10_000


def test_no_more_keys_go_than_must(node):
    node.start("--threads", "1")
    admin = connect(node)
    admin.config_set("set-max-intset-entries", 0)
    for number in range(12):
        pipe = admin.pipeline(transaction=False)
        for start in range(0, 40_000, 4000):
            pipe.sadd(f"large:{number}", *[f"member:{n}" for n in range(start, start + 4000)])
        pipe.execute()
    limit_to_present_use(admin, "allkeys-lru", -MEGABYTE)
    for number in range(100):
        admin.set("small", number)
    assert admin.info("stats")["evicted_keys"] in (1, 2, 3)  # the small one may go, too
    assert len(admin.keys("large:*")) >= 10


def test_a_limit_that_eviction_keeps_is_not_exceeded(node):
    node.start("--threads", "1")
    admin = connect(node)
    limit_to_present_use(admin, "allkeys-lru", MEGABYTE)
    for number in range(3000):
        admin.set(f"key:{number}", "x" * 1000)
    stats = admin.info("stats")
    assert stats["evicted_keys"] > 0
    assert stats["total_eviction_exceeded_time"] == 0
    admin.config_set("maxmemory-policy", "noeviction")
    admin.config_set("maxmemory", 1)
    with pytest.raises(redis.ResponseError, match="OOM"):
        admin.set("k", "v")
    wait_until(lambda: admin.info("stats")["current_eviction_exceeded_time"] > 0, 10, "the time to be counted")


def test_counters_begin_anew_when_told_to(node):
    node.start("--threads", "1")
    admin = connect(node)

    def fill():
        pipe = admin.pipeline(transaction=False)
        for number in range(20_000):
            pipe.set(f"key:{number}", "v", px=1)
        pipe.execute()
        stats = admin.info("stats")
        return stats["expire_cycle_cpu_milliseconds"] > 0 and stats["instantaneous_ops_per_sec"] > 0

    wait_until(fill, 30, "something to count")
    _, stats = admin.pipeline(transaction=False).config_resetstat().info("stats").execute()
    for name in ("expire_cycle_cpu_milliseconds", "instantaneous_ops_per_sec", "instantaneous_input_kbps", "expired_keys"):
        assert stats[name] == 0, name


def test_volatile_policies_leave_keys_without_expiry_alone(node):
    node.start()
    admin = connect(node)
    for number in range(200):
        admin.set(f"kept:{number}", "x" * 500)
    limit_to_present_use(admin, "volatile-lru", MEGABYTE)
    for number in range(5000):
        admin.set(f"volatile:{number}", "x" * 500, ex=10_000)
    assert admin.info("stats")["evicted_keys"] > 0
    assert len(admin.keys("kept:*")) == 200


def test_without_anything_to_evict_writes_are_refused_and_reads_go_on(node):
    node.start()
    admin = connect(node)
    admin.set("k", "v")
    admin.config_set("maxmemory", 1)
    with refused("OOM command not allowed when used memory > 'maxmemory'"):
        admin.set("k", "w")
    assert admin.get("k") == "v" and admin.delete("k") == 1
    wait_until(lambda: int(admin.info("stats")["total_eviction_exceeded_time"]) > 0, 10, "time over the limit")
    admin.config_set("maxmemory", 0)
    assert admin.set("k", "w")


def test_the_largest_connection_goes_when_all_take_too_much(node):
    node.start("--maxmemory-clients", "4mb")
    admin = connect(node)
    admin.execute_command("CLIENT", "NO-EVICT", "on")
    small, large = redis.Connection(HOST, node.port), redis.Connection(HOST, node.port)
    small.connect()
    large.connect()
    try:
        large._sock.sendall(b"*2\r\n$3\r\nGET\r\n$20000000\r\n" + b"x" * (8 * MEGABYTE))
    except OSError:
        pass  # ended while it was still sending
    wait_until(lambda: admin.info("stats")["evicted_clients"] == 1, 10, "an evicted client")
    small.send_command("PING")
    assert small.read_response() == b"PONG"
    with pytest.raises((redis.ConnectionError, OSError)):
        large.read_response()
    assert node.log.read_text().count("Evicting client:") == 1


def test_a_connection_that_ends_while_another_grows_is_not_looked_for(node):
    node.start("--threads", "1")
    admin = connect(node)
    admin.execute_command("CLIENT", "NO-EVICT", "on")
    half_a_command = b"*2\r\n$3\r\nGET\r\n$20000000\r\n"
    ends, grows, sleeps = Wire(node), Wire(node), Wire(node)
    ends.send_raw(half_a_command + b"x" * MEGABYTE)
    wait_until(lambda: any(int(c["qbuf"]) >= MEGABYTE for c in admin.client_list()), 10, "all of it")
    admin.config_set("maxmemory-clients", admin.info("memory")["mem_clients_normal"] + 10_000)
    probe = Wire(node)

    def asleep():
        probe.send("PING")
        return probe.quiet(0.05) or probe.read() != "PONG"

    sleeps.send("DEBUG", "SLEEP", "1")
    wait_until(asleep, 10, "a server that sleeps")  # then it finds both in the same turn
    ends.close()
    grows.send_raw(half_a_command + b"x" * 60_000)
    assert sleeps.read() == "OK"
    assert admin.ping()
    assert "Evicting client" not in node.log.read_text()


def test_who_waits_for_others_is_not_closed_for_being_idle(node):
    node.start("--timeout", "1")
    listens, blocked, watches, idle = (Wire(node) for _ in range(4))
    assert listens.call("SUBSCRIBE", "news") == ["subscribe", "news", 1]
    assert watches.call("MONITOR") == "OK"
    blocked.send("BLPOP", "list", "0")
    assert idle.call("PING") == "PONG"
    with pytest.raises(ConnectionError):
        idle.read()
    admin = connect(node)
    assert admin.publish("news", "there") == 1
    assert listens.read() == ["message", "news", "there"]
    admin.rpush("list", "element")
    assert blocked.read() == ["list", "element"]
    assert any('"RPUSH" "list" "element"' in watches.read() for _ in range(10))


def test_a_command_larger_than_all_connections_may_take_is_not_run(node):
    node.start("--maxmemory-clients", "4mb")
    admin = connect(node)
    admin.execute_command("CLIENT", "NO-EVICT", "on")
    assert admin.set("small", b"x" * MEGABYTE)
    with pytest.raises(redis.ConnectionError):
        connect(node, retry_on_error=[]).set("large", b"x" * (4 * MEGABYTE))
    assert admin.exists("small", "large") == 1


def test_a_connection_that_does_not_read_its_replies_is_closed(node):
    node.start("--client-output-buffer-limit", "normal 1mb 0 0")
    admin = connect(node)
    admin.set("big", "x" * 100_000)
    lazy = redis.Connection(HOST, node.port)
    lazy.connect()
    lazy._sock.settimeout(2)
    try:
        for _ in range(1000):
            lazy._sock.sendall(b"GET big\r\n" * 10)
    except OSError:
        pass
    wait_until(lambda: "closed for overcoming of output buffer limits" in node.log.read_text(), 10, "the end of it")
    assert admin.get("big")


def test_every_info_field_of_redis_is_there_or_excused(node):
    node.start("--appendonly", "yes")
    here = pathlib.Path(__file__).resolve()
    page = (here.parents[2] / "docs" / "compat.md").read_text()
    excused = re.findall(r"`([a-z_*]+)`", page)
    have = node.info("everything")
    for field in (here.parent / "data" / "info-fields.txt").read_text().split():
        assert field in have or any(fnmatch.fnmatch(field, pattern) for pattern in excused), field


def test_the_append_only_file_can_be_switched_on_by_a_client(node):
    node.start()
    admin = connect(node)
    for i in range(100):
        admin.set(f"k{i}", i)
    assert admin.config_set("appendonly", "yes")
    assert admin.incr("k1") == 2
    wait_until(lambda: admin.info("persistence")["aof_rewrite_in_progress"] == 0, 20, "the first rewrite")
    node.kill()
    node.start("--appendonly", "yes")
    assert connect(node).get("k1") == "2"
