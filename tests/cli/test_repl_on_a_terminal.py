"""The REPL as a person meets it: on a terminal, key by key."""
import os
import pty
import re
import select
import signal
import time

import pytest

from test_same_as_redis_cli import REDIS_SERVER, Server, ashlar_cli

pytestmark = pytest.mark.skipif(not REDIS_SERVER, reason="needs redis-server as a peer")
LIMIT = 20  # seconds to wait for anything


class Repl:
    def __init__(self, home, *arguments):
        self.home = home
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update({"HOME": str(home), "TERM": "xterm"})
            for name in ("ASHLARCLI_HISTFILE", "ASHLARCLI_RCFILE", "ASHLARCLI_AUTH", "REDISCLI_AUTH"):
                os.environ.pop(name, None)
            os.execv(ashlar_cli(), [ashlar_cli(), *arguments])
        self.seen = ""

    def wait_for(self, text):
        """Reads until `text` is on the screen; forgets what came before."""
        end = time.monotonic() + LIMIT
        while text not in self.seen:
            ready, _, _ = select.select([self.fd], [], [], max(0, end - time.monotonic()))
            assert ready, f"waited for {text!r}, saw {self.seen!r}"
            self.seen += os.read(self.fd, 65536).decode(errors="replace")
        before, self.seen = self.seen.split(text, 1)
        return before

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def paste(self, text):
        """All at once, as far as the terminal takes it; what comes back meanwhile is read."""
        data = text.encode()
        while data:
            readable, writable, _ = select.select([self.fd], [self.fd], [], LIMIT)
            assert readable or writable, f"pasting got stuck with {len(data)} bytes left"
            if readable:
                self.seen += os.read(self.fd, 65536).decode(errors="replace")
            elif writable:
                data = data[os.write(self.fd, data[:1024]):]

    def run(self, line, prompt):
        self.type(line + "\r")
        self.wait_for("\r\n")
        return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", self.wait_for(prompt)).replace("\r", "")

    def history(self):
        with open(os.path.join(self.home, ".ashlarcli_history"), encoding="utf-8") as f:
            return f.read().splitlines()

    def wait_for_exit(self):
        _, status = os.waitpid(self.pid, 0)
        self.pid = None
        return status

    def close(self):
        if self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    s = Server(tmp_path_factory.mktemp("server"))
    yield s
    s.stop()


@pytest.fixture
def repl(server, tmp_path):
    r = Repl(tmp_path, "-p", str(server.port))
    r.prompt = f"127.0.0.1:{server.port}"
    r.wait_for(r.prompt + "> ")
    yield r
    r.close()


def test_prompt_shows_database_and_transaction(repl):
    p = repl.prompt
    assert repl.run("select 3", p + "[3]> ") == "OK\n"
    assert repl.run("multi", p + "[3](TX)> ") == "OK\n"
    assert repl.run("incr n", p + "[3](TX)> ") == "QUEUED\n"
    assert repl.run("exec", p + "[3]> ") == "1) (integer) 1\n"


def test_arguments_are_hinted_in_grey_while_typing(repl):
    repl.type("set k v e")
    repl.wait_for("set k v e\x1b[0;90m [NX|XX]")
    repl.type("x")
    repl.wait_for("set k v ex\x1b[0;90m seconds [NX|XX] [GET]")
    repl.type("\x15:set nohints\r")
    repl.wait_for("> ")
    repl.type("get")
    assert "90m" not in repl.wait_for("get\x1b[0K")


def test_tab_completes_commands(repl):
    repl.type("rename\t\t")
    repl.wait_for("renamenx")
    assert "ERR wrong number" in repl.run("", repl.prompt + "> ")


def test_escape_and_control_keys_edit_the_line(repl):
    # Home, a character, End, delete a word, kill: the line that arrives is "echo ab".
    assert repl.run("cho ab wrong\x1b[He\x1b[F\x17\x7f", repl.prompt + "> ") == '"ab"\n'


def test_history_keeps_no_secrets(repl):
    p = repl.prompt + "> "
    for line in ("auth sesame", "AUTH default sesame", "hello 3 auth default sesame", "config set masterauth sesame",
                 "acl setuser x >sesame", 'auth "sesame', "echo kept"):
        repl.run(line, p)
    assert repl.history() == ["echo kept"]
    repl.type("\x1b[A")
    repl.wait_for("echo kept")


def test_search_finds_an_old_line(repl):
    p = repl.prompt + "> "
    repl.run("echo first", p)
    repl.run("echo second", p)
    repl.type("\x12fir")
    repl.wait_for("(reverse-i-search)`fir': echo first")
    assert repl.run("", p) == '"first"\n'


def test_connection_that_broke_comes_back_with_the_next_command(repl, server):
    assert repl.run("ping", repl.prompt + "> ") == "PONG\n"
    server.cli("client", "kill", "type", "normal")
    assert "Error: Server closed the connection" in repl.run("ping", "not connected> ")
    assert repl.run("ping", repl.prompt + "> ") == "PONG\n"


@pytest.mark.parametrize("command, sign", [("subscribe news", "(integer) 1"), ("monitor", "OK"),
                                           ("sync", "SYNC done. Logging commands from master.")])
def test_control_c_ends_an_endless_reply_but_not_the_program(repl, command, sign):
    p = repl.prompt + "[3]> "
    repl.run("select 3", p)
    repl.type(command + "\r")
    repl.wait_for(sign)
    repl.type("\x03")
    repl.wait_for(p)
    assert repl.run("ping", p) == "PONG\n"


def test_a_long_pasted_line_arrives(repl):
    repl.paste("set big " + 100_000 * "x" + "\r")
    repl.wait_for("OK\r\n")
    assert repl.run("strlen big", repl.prompt + "> ") == "(integer) 100000\n"


def test_control_d_leaves(repl):
    repl.type("\x04")
    assert repl.wait_for_exit() == 0
