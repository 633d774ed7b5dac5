"""ashlar-cli and redis-cli, the same arguments, one real server: output and exit status must be the same bytes.

Run: pytest tests/cli. ASHLAR_BIN or ASHLAR_BIN_DIR is the folder of the programs (default build/bin, else the newest
build/*/bin).
"""
import glob
import os
import shutil
import socket
import subprocess

import pytest

REDIS_CLI = shutil.which("redis-cli")
REDIS_SERVER = shutil.which("redis-server")
pytestmark = pytest.mark.skipif(not (REDIS_CLI and REDIS_SERVER), reason="needs redis-tools and redis-server as peers")


def ashlar_cli():
    folder = os.environ.get("ASHLAR_BIN") or os.environ.get("ASHLAR_BIN_DIR")
    if folder:
        return os.path.join(folder, "ashlar-cli")
    build = os.path.join(os.path.dirname(__file__), "..", "..", "build")
    found = sorted(glob.glob(os.path.join(build, "*", "bin", "ashlar-cli")), key=os.path.getmtime)
    found += glob.glob(os.path.join(build, "bin", "ashlar-cli"))
    assert found, "build ashlar-cli first"
    return found[-1]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """A redis-server on loopback, ready when constructed."""

    def __init__(self, folder, *arguments):
        # The bus of a cluster node listens 10000 above, so the port must leave room.
        for _ in range(50):
            self.port = free_port()
            if self.port < 55000:
                break
        self.process = subprocess.Popen(
            [REDIS_SERVER, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder),
             "--repl-diskless-sync-delay", "0", "--enable-debug-command", "yes", *arguments],
            stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if "Ready to accept connections" in line:
                return
        raise RuntimeError("redis-server did not start")

    def cli(self, *arguments):
        return subprocess.run([REDIS_CLI, "-p", str(self.port), *arguments], capture_output=True, text=True, timeout=20,
                              check=True).stdout.strip()

    def stop(self):
        self.process.terminate()
        self.process.stdout.read()
        self.process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    s = Server(folder, "--unixsocket", str(folder / "s.sock"))
    s.socket = str(folder / "s.sock")
    yield s
    s.stop()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    s = Server(tmp_path_factory.mktemp("guarded"), "--requirepass", "sesame")
    yield s
    s.stop()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Two masters with half of the slots each; slot 12182 ("foo") is open between them."""
    nodes = [Server(tmp_path_factory.mktemp("node"), "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf")
             for _ in range(2)]
    a, b = nodes
    a.cli("cluster", "addslotsrange", "0", "8191")
    b.cli("cluster", "addslotsrange", "8192", "16383")
    a.cli("cluster", "set-config-epoch", "1")
    b.cli("cluster", "set-config-epoch", "2")
    a.cli("cluster", "meet", "127.0.0.1", str(b.port))
    for node in nodes:
        while "cluster_state:ok" not in node.cli("cluster", "info"):
            pass
    ids = [node.cli("cluster", "myid") for node in nodes]
    a.cli("cluster", "setslot", "12182", "importing", ids[1])
    b.cli("cluster", "setslot", "12182", "migrating", ids[0])
    yield nodes
    for node in nodes:
        node.stop()


def run(program, arguments, stdin=b"", env=None):
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("REDISCLI_", "ASHLARCLI_"))}
    environment.update(env or {})
    done = subprocess.run([program, *arguments], input=stdin, capture_output=True, timeout=60, env=environment)
    own_name = lambda text: text.replace(b"ashlar-cli", b"redis-cli").replace(b"\r", b"")
    # Which of the two a client sees depends on what it had sent when the server closed.
    closed = lambda text: text.replace(b"Connection reset by peer", b"Server closed the connection")
    return done.returncode, own_name(done.stdout), closed(own_name(done.stderr))


def same(arguments, stdin=b"", env=None, prepare=lambda: None, order=lambda result: result):
    prepare()
    expected = run(REDIS_CLI, arguments, stdin, env)
    prepare()
    actual = run(ashlar_cli(), arguments, stdin, env)
    assert order(actual) == order(expected)


FORMATS = [["--raw"], ["--no-raw"], ["--csv"], ["--json"], ["-3", "--no-raw"], ["-3", "--raw"], ["-2", "--json"],
           ["-3", "--json"], ["-d", ",", "-D", "|"]]
NESTED = "return {1,{2,{3,'x'}},{},false,redis.error_reply('ERR x'),redis.status_reply('ok')}"
LONG = "local a={} for i=1,12 do a[i]={i,{tostring(i)}} end return a"
MAPS = "local m={map={}} m.map[{double=1.5}]={1,2} return {m,{map={}},{set={}},{set={x=true}},{double=1/0},true}"


@pytest.mark.parametrize("how", FORMATS, ids=" ".join)
@pytest.mark.parametrize("command", [
    ["get", "nosuch"], ["nosuchcommand"], ["ping"], ["echo", "a\"b\\c\n\t\x01\x7f\u00e9"], ["eval", NESTED, "0"],
    ["eval", LONG, "0"], ["eval", MAPS, "0"], ["debug", "protocol", "string"], ["debug", "protocol", "double"],
    ["debug", "protocol", "null"], ["debug", "protocol", "set"], ["debug", "protocol", "map"],
    ["debug", "protocol", "push"], ["debug", "protocol", "verbatim"], ["debug", "protocol", "true"],
    ["command", "docs", "set", "xadd", "config"], ["command", "info", "get", "sort"], ["info", "keyspace"],
    ["memory", "doctor"], ["config", "get", "max*"], ["command", "list", "filterby", "pattern", "z*"],
], ids=lambda c: " ".join(c)[:20])
def test_replies_look_the_same(server, how, command):
    same(["-p", str(server.port), *how, *command])


def test_terminal_format_is_the_default_with_a_terminal(server):
    same(["-p", str(server.port), "eval", NESTED, "0"], env={"FAKETTY": "1"})


@pytest.mark.parametrize("arguments", [
    ["-r", "3", "ping"], ["-r", "0", "ping"], ["-r", "2", "-i", "0.01", "echo", "x"], ["-e", "nosuch"], ["-e", "ping"],
    ["-n", "3", "dbsize"], ["-n", "99", "ping"], ["-x", "echo"], ["-X", "TAG", "echo", "TAG"],
    ["-X", "TAG", "mget", "TAG", "TAG"], ["-X", "TAG", "echo", "x"], ["--quoted-input", "echo", '"a\\x00b"'],
    ["--quoted-input", "echo", '"a'], ["--quoted-input", "echo", "a b"], ["--show-pushes", "no", "ping"],
    ["-3", "--show-pushes", "yes", "--no-raw", "debug", "protocol", "push"],
    ["-3", "--show-pushes", "yes", "--raw", "debug", "protocol", "push"], ["--verbose", "ping"], ["shutdown", "bogus"],
    ["-2", "-3", "--no-raw", "hgetall", "nosuch"], ["--foo"], ["-p"], ["-n"], ["-x", "-X", "t", "ping"],
    ["--rdb", "a", "--functions-rdb", "b"], ["--quoted-pattern", '"a', "--scan"],
], ids=" ".join)
def test_options_do_the_same(server, arguments):
    same(["-p", str(server.port), *arguments], stdin=b"from stdin\n\x00")


def test_servers_are_reached_the_same_way(server):
    same(["-s", server.socket, "ping"])
    same(["-h", "localhost", "-p", str(server.port), "ping"])
    same(["-u", f"redis://127.0.0.1:{server.port}/2", "client", "info"][:2] + ["ping"])


def test_unreachable_servers_are_reported_the_same_way(tmp_path):
    port = str(free_port())
    same(["-p", port, "ping"])
    same(["-p", port, "--scan"])
    same(["-p", port], stdin=b"ping\nget a\n")
    same(["-s", str(tmp_path / "missing"), "ping"])
    same(["-h", "host.invalid", "ping"])


@pytest.mark.parametrize("arguments", [
    ["ping"], ["-a", "sesame", "ping"], ["-a", "wrong", "ping"], ["--pass", "sesame", "ping"],
    ["-a", "sesame", "--no-auth-warning", "ping"], ["--user", "default", "--pass", "sesame", "ping"],
    ["--user", "nobody", "--pass", "sesame", "ping"], ["-a", "wrong", "-n", "3", "-3", "ping"], ["-3", "ping"],
    ["--json", "ping"], ["--scan"], ["--bigkeys"], ["--rdb", "/dev/null"],
], ids=" ".join)
def test_passwords_are_used_the_same_way(guarded, arguments):
    same(["-p", str(guarded.port), *arguments])


def test_password_of_the_environment(guarded):
    same(["-p", str(guarded.port), "ping"], env={"REDISCLI_AUTH": "sesame"})
    same(["-u", f"redis://default:sesame@127.0.0.1:{guarded.port}/1", "ping"])
    same(["-u", f"redis://sesame@127.0.0.1:{guarded.port}", "ping"])


@pytest.mark.parametrize("line", [
    b'set a "b c"\nget a\nset a "x\n', b"3 ping\n0 ping\n-1 ping\nping 3\n", b"select 3\nmulti\nping\nexec\nget a\n",
    b"multi\nselect 5\ndiscard\nget a\n", b"multi\nnosuch\nexec\n", b"nosuch\n\n   \nping\n", b"  echo  'it\\'s'  \n",
    b'echo "\\x41\\n"\n', b"quit\nping\n", b"EXIT\n", b"ping", b"client kill type normal skipme no\nping\nping\n",
    b"reset\nping\n", b"info keyspace\nclient getname\n", b"help nosuchcommand\n",
], ids=repr)
@pytest.mark.parametrize("how", [[], ["--no-raw"], ["--json"]], ids=repr)
def test_lines_on_stdin_run_the_same(server, line, how):
    same(["-p", str(server.port), *how], stdin=line)


def test_authentication_in_the_middle(guarded):
    same(["-p", str(guarded.port), "-n", "4"], stdin=b"get a\nauth wrong\nauth sesame\nset k v\nget k\nselect 0\nget k\n")


def test_subscriptions_and_monitor_print_the_same(server):
    for how in (["--raw"], ["--no-raw"], ["-3", "--no-raw"], ["--csv"]):
        for command in (["subscribe", "c1", "c2"], ["psubscribe", "c*"], ["monitor"]):
            outputs = []
            for program in (REDIS_CLI, ashlar_cli()):
                process = subprocess.Popen([program, "-p", str(server.port), *how, *command], stdout=subprocess.PIPE)
                kind = "monitor" if command[0] == "monitor" else "pubsub"
                while not any(f"cmd={command[0]}" in line for line in server.cli("client", "list").splitlines()):
                    pass
                server.cli("publish", "c1", 'a "message"')
                if kind == "monitor":
                    # OK, then a line for PUBLISH; times and ports differ.
                    lines = [process.stdout.readline() for _ in range(2)]
                    while b"PUBLISH" not in lines[-1].upper():
                        lines[-1] = process.stdout.readline()
                    lines[-1] = lines[-1].split(b"]", 1)[1]
                    server.cli("client", "kill", "type", "normal")
                    process.wait()
                    outputs.append(b"".join(lines))
                else:
                    server.cli("client", "kill", "type", "pubsub")
                    outputs.append(process.stdout.read())
                    outputs.append(process.wait())
                process.stdout.close()
            half = len(outputs) // 2
            assert outputs[half:] == outputs[:half], (how, command)


def test_help_says_why_it_has_nothing_to_show(guarded):
    assert run(ashlar_cli(), ["-p", "1", "help", "get"]) == (
        1, b"", b"Could not connect to Redis at 127.0.0.1:1: Connection refused\n")
    assert run(ashlar_cli(), ["-p", str(guarded.port), "help", "get"]) == (
        1, b"", b"No documentation: NOAUTH Authentication required.\n")
    assert run(ashlar_cli(), ["-p", "1", "help"])[0] == 0


def test_a_password_may_come_from_a_pipe(guarded):
    same(["-p", str(guarded.port), "--askpass", "ping"], stdin=b"sesame\n",
         order=lambda result: (result[0], result[1].removeprefix(b"Please input password: ").strip()))


def test_help_describes_every_command_the_same(server):
    """Arguments in the usual notation; redis-cli 7.0 has them built in, ashlar-cli asks the server."""
    def arguments(program):
        text = run(program, ["-p", str(server.port), "help", "@" + group])[1].decode()
        found = {}
        for line in text.splitlines():
            if line.startswith("  \x1b[1m"):
                name, rest = line[6:].split("\x1b[0m", 1)
                found[name] = rest.strip().removeprefix("\x1b[90m").removesuffix("\x1b[0m").strip()
        return found
    for group in ("string", "generic", "connection", "cluster", "server", "hash", "list", "set", "sorted-set", "stream",
                  "geo", "bitmap", "transactions", "pubsub", "scripting"):
        theirs, ours = arguments(REDIS_CLI), arguments(ashlar_cli())
        # Debian's redis-cli and server agree on nearly all; what the server does not document cannot be shown.
        common = theirs.keys() & ours.keys()
        assert len(common) >= 0.9 * len(theirs), group
        different = {name: (theirs[name], ours[name]) for name in common if theirs[name] != ours[name]}
        assert not different


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    s = Server(tmp_path_factory.mktemp("filled"))
    script = ("for i=1,300 do redis.call('set','s'..i,string.rep('x',i)) end "
              "for i=1,40 do redis.call('rpush','l',i) redis.call('sadd','t',i) redis.call('zadd','z',i,i) "
              "redis.call('hset','h',i,i) end redis.call('xadd','st','1-1','a',1) redis.call('set','bin\\1\\255','v')")
    s.cli("eval", script, "0")
    yield s
    s.stop()


@pytest.mark.parametrize("arguments", [
    ["--bigkeys"], ["--memkeys"], ["--memkeys-samples", "5"], ["--hotkeys"], ["--scan"], ["--scan", "--pattern", "s1*"],
    ["--scan", "--quoted-pattern", '"bin\\x01*"'], ["--no-raw", "--scan", "--pattern", "b*"],
    ["--csv", "--scan", "--pattern", "b*"], ["--bigkeys", "--pattern", "s*"], ["-n", "1", "--bigkeys"],
    ["-i", "0.001", "--scan"],
], ids=" ".join)
def test_walks_report_the_same(filled, arguments):
    # redis-cli reports the types in an order that changes from run to run.
    in_any_order = lambda result: (result[0], sorted(result[1].splitlines()), result[2])
    same(["-p", str(filled.port), *arguments], order=in_any_order if "keys" in " ".join(arguments) else lambda r: r)


def test_hot_keys_are_counted(filled):
    filled.cli("config", "set", "maxmemory-policy", "allkeys-lfu")
    try:
        code, out, _ = run(ashlar_cli(), ["-p", str(filled.port), "--hotkeys"])
        assert code == 0
        assert out.count(b"hot key found with counter: ") == 16
    finally:
        filled.cli("config", "set", "maxmemory-policy", "noeviction")


@pytest.mark.parametrize("stdin", [
    b"set a 1\r\nnosuch\r\nget a\r\n", b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n", b"",
    b"".join(b"*3\r\n$3\r\nSET\r\n$6\r\nk%05d\r\n$100\r\n%s\r\n" % (i, b"v" * 100) for i in range(20000)),
    b"*2\r\n$4\r\nECHO\r\n$100000\r\n" + b"e" * 100000 + b"\r\n",
], ids=["inline", "resp", "nothing", "many", "big reply"])
def test_pipe_counts_the_same(server, stdin):
    same(["-p", str(server.port), "--pipe"], stdin=stdin)


def test_pipe_gives_up_on_silence(server):
    same(["-p", str(server.port), "--pipe", "--pipe-timeout", "1"], stdin=b"blpop nosuch 0\r\n")


@pytest.mark.parametrize("diskless", ["yes", "no"])
def test_snapshots_arrive_whole(filled, tmp_path, diskless):
    filled.cli("config", "set", "repl-diskless-sync", diskless)
    files = {}
    for name, program in (("theirs", REDIS_CLI), ("ours", ashlar_cli())):
        path = tmp_path / name
        code, out, err = run(program, ["-p", str(filled.port), "--rdb", str(path)])
        assert (code, out) == (0, b"")
        files[name] = (path.read_bytes()[:9], len(path.read_bytes()), err.replace(name.encode(), b"X"))
    assert files["ours"] == files["theirs"]
    if shutil.which("redis-check-rdb"):
        assert b"RDB looks OK" in run("redis-check-rdb", [str(tmp_path / "ours")])[1]
    same(["-p", str(filled.port), "--rdb", "/nonexistent/x"])


@pytest.mark.parametrize("command", [["sync"], ["psync", "?", "-1"]], ids=" ".join)
def test_sync_as_a_command_shows_the_stream(server, command):
    process = subprocess.Popen([ashlar_cli(), "-p", str(server.port), *command], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    try:
        for line in process.stderr:
            if line == "SYNC done. Logging commands from master.\n":
                break
        server.cli("set", "from", "a client")
        assert process.stdout.readline() == "Entering replica output mode...  (press Ctrl-C to quit)\n"
        assert '"set","from","a client"\n' in iter(process.stdout.readline, "")
    finally:
        process.kill()
        process.communicate()


def test_sync_that_is_refused_fails_the_same(server):
    same(["-p", str(server.port), "psync"])
    same(["-p", "1", "sync"])


@pytest.mark.parametrize("mode", ["--stat", "--latency", "--latency-dist"])
def test_what_is_no_server_ends_the_endless_modes(mode):
    import threading
    with socket.create_server(("127.0.0.1", 0)) as other:
        def serve():
            while True:
                try:
                    peer, _ = other.accept()
                except OSError:
                    return
                with peer:
                    peer.recv(4096)
                    peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        threading.Thread(target=serve, daemon=True).start()
        code, _, err = run(ashlar_cli(), ["-p", str(other.getsockname()[1]), mode])
        other.shutdown(socket.SHUT_RDWR)
    assert (code, err) == (1, b'Error: Protocol error, got "H" as reply type byte\n')


@pytest.mark.parametrize("walk", ["--bigkeys", "--memkeys", "--hotkeys"])
def test_an_interrupt_ends_the_pause_of_a_walk(filled, walk):
    import signal
    scans = lambda: int((filled.cli("info", "commandstats").split("cmdstat_scan:calls=")[1:] or ["0"])[0].split(",")[0])
    filled.cli("config", "set", "maxmemory-policy", "allkeys-lfu")
    filled.cli("config", "resetstat")
    process = subprocess.Popen([ashlar_cli(), "-p", str(filled.port), walk, "-i", "3600", "--count", "1"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        while scans() < 100:  # then it pauses
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
        assert "-------- summary -------" in out
    finally:
        process.kill()
        process.wait()
        filled.cli("config", "set", "maxmemory-policy", "noeviction")


def test_latency_summaries_have_the_same_shape(server):
    import re
    for how in (["--raw"], ["--csv"], ["--json"]):
        shapes = set()
        for program in (REDIS_CLI, ashlar_cli()):
            code, out, err = run(program, ["-p", str(server.port), *how, "--latency", "-i", "0.05"])
            shapes.add((code, re.sub(rb"\d+(\.\d+)?", lambda m: b"D" if b"." in m[0] else b"N", out), err))
        assert len(shapes) == 1


def test_redirections_are_followed_the_same_way(cluster):
    a = str(cluster[0].port)
    reset = lambda: run(REDIS_CLI, ["-c", "-p", a], stdin=b"del foo\ndel bar\ndel hello\ndel {foo}x\n")
    same(["-p", a, "set", "foo", "bar"], prepare=reset)
    same(["-c", "-p", a, "set", "bar", "1"], prepare=reset)
    same(["-c", "-p", a, "-r", "3", "--no-raw", "incr", "bar"], prepare=reset)
    same(["-c", "-p", a], stdin=b"set {foo}x 1\nget {foo}x\nget bar\n", prepare=reset)
    same(["-c", "-p", a], stdin=b"set hello 1\nset bar 2\nget hello\nmulti\nset bar 1\nset hello 1\nexec\nget bar\n",
         prepare=reset)
    same(["-c", "-p", a, "-n", "3", "ping"])
