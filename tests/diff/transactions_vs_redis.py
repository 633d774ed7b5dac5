#!/usr/bin/env python3
"""Plays the same stories of several connections to two servers and compares every reply: MULTI, EXEC, WATCH, and commands
that wait.

    tests/diff/transactions_vs_redis.py --left 127.0.0.1:7001 --right 127.0.0.1:7002 [--story NAME]

Both servers are emptied (FLUSHALL). A line is `connection command...`; `connection <` reads a reply that comes late;
`connection -` closes it. Exit code 1 when replies differ.
"""

import argparse
import shlex
import sys
import time

from resp import Connection, ErrorReply

# What waits for data and gets no reply at once.
WAITING = {"BLPOP", "BRPOP", "BLMOVE", "BRPOPLPUSH", "BLMPOP", "BZPOPMIN", "BZPOPMAX", "BZMPOP", "XREAD", "XREADGROUP"}

STORIES = {
    "queue": "a MULTI|a SET x 1|a INCR x|a GET x|b GET x|a EXEC|a GET x|a EXEC|a DISCARD",
    "nested": "a MULTI|a MULTI|a SET x 1|a EXEC|a GET x",
    "watch_inside": "a MULTI|a WATCH x|a SET x 1|a EXEC|a GET x",
    "unknown_aborts": "a MULTI|a NOSUCH x|a SET x 1|a EXEC|a GET x",
    "arity_aborts": "a MULTI|a SET x|a SET x 1|a EXEC|a GET x|a MULTI|a PING|a EXEC",
    "errors_inside": "a SET x abc|a MULTI|a INCR x|a SET y 1|a GETRANGE x 0 z|a EXEC|a GET y",
    "discard": "a MULTI|a SET x 1|a DISCARD|a GET x|a EXEC|a DISCARD",
    "discard_after_abort": "a MULTI|a NOSUCH|a DISCARD|a SET x 1|a GET x",
    "empty": "a MULTI|a EXEC",
    "arity_of_exec": "a MULTI|a EXEC now|a EXEC|a DISCARD",
    "arity_of_multi": "a MULTI now|a EXEC",
    "watch": "a WATCH x|b SET x 1|a MULTI|a SET y 1|a EXEC|a GET y",
    "watch_clean": "a WATCH x|b SET z 1|a MULTI|a SET y 1|a EXEC|a GET y",
    "watch_missing_del": "a WATCH x|b DEL x|a MULTI|a PING|a EXEC",
    "watch_own_change": "a WATCH x|a SET x 1|a MULTI|a PING|a EXEC",
    "watch_same_value": "a SET x 1|a WATCH x|b SET x 1|a MULTI|a PING|a EXEC",
    "watch_read": "a SET x 1|a WATCH x|b GET x|b STRLEN x|b EXISTS x|a MULTI|a PING|a EXEC",
    "unwatch": "a WATCH x|b SET x 1|a UNWATCH|a MULTI|a PING|a EXEC",
    "unwatch_inside": "a WATCH x|a MULTI|a UNWATCH|b SET x 1|a PING|a EXEC",
    "watch_twice": "a WATCH x|a MULTI|a PING|a EXEC|b SET x 1|a MULTI|a PING|a EXEC",
    "watch_discard": "a WATCH x|a MULTI|a DISCARD|b SET x 1|a MULTI|a PING|a EXEC",
    "watch_abort_first": "a WATCH x|b SET x 1|a MULTI|a NOSUCH|a EXEC",
    "watch_flushall": "a SET x 1|a WATCH x|b FLUSHALL|a MULTI|a PING|a EXEC",
    "watch_flushall_missing": "a WATCH x|b FLUSHALL|a MULTI|a PING|a EXEC",
    "watch_flushdb_other": "a SET x 1|a WATCH x|b SELECT 1|b FLUSHDB|a MULTI|a PING|a EXEC",
    "watch_swapdb": "a SET x 1|a WATCH x|b SWAPDB 0 1|a MULTI|a PING|a EXEC",
    "watch_swapdb_comes": "b SELECT 1|b SET x 1|a WATCH x|b SWAPDB 0 1|a MULTI|a PING|a EXEC",
    "watch_swapdb_missing": "b SELECT 1|b SET y 1|a WATCH x|b SWAPDB 0 1|a MULTI|a PING|a EXEC",
    "watch_other_db": "a WATCH x|b SELECT 1|b SET x 1|a MULTI|a PING|a EXEC",
    "watch_several": "a WATCH x y z|b SET y 1|a MULTI|a PING|a EXEC",
    "watch_expire": "a SET x 1|a WATCH x|b EXPIRE x 100|a MULTI|a PING|a EXEC",
    "watch_persist_nothing": "a SET x 1|a WATCH x|b PERSIST x|a MULTI|a PING|a EXEC",
    "watch_expired": "a SET x 1 PX 20|sleep 60|a WATCH x|b GET x|a MULTI|a PING|a EXEC",
    "watch_expires": "a SET x 1 PX 20|a WATCH x|sleep 60|a MULTI|a PING|a EXEC",
    "watch_expired_then_set": "a SET x 1 PX 20|sleep 60|a WATCH x|b SET x 2|a MULTI|a PING|a EXEC",
    "watch_rename": "a SET x 1|a WATCH y|b RENAME x y|a MULTI|a PING|a EXEC",
    "watch_append": "a SET x 1|a WATCH x|b APPEND x 2|a MULTI|a PING|a EXEC",
    "watch_setbit_range": "a SET x 1|a WATCH x|b SETRANGE x 0 9|a MULTI|a PING|a EXEC",
    "watch_reset": "a WATCH x|a MULTI|a SET x 1|a RESET|b SET x 2|a MULTI|a PING|a EXEC",
    "quit_inside": "a MULTI|a QUIT",
    "select_inside": "a MULTI|a SELECT 1|a SET x 1|a SELECT 0|a SET x 0|a EXEC|a GET x|b SELECT 1|b GET x",
    "select_inside_stays": "a MULTI|a SELECT 1|a EXEC|a SET x 1|b SELECT 1|b GET x",
    "flushall_inside": "a SET x 1|a MULTI|a FLUSHALL|a DBSIZE|a SET y 1|a DBSIZE|a EXEC|a EXISTS x y",
    "scan_inside": "a SET x 1|a MULTI|a KEYS *|a RANDOMKEY|a DBSIZE|a EXEC",
    "swapdb_inside": "a SET x 1|a MULTI|a SWAPDB 0 1|a GET x|a EXEC|a GET x",
    "no_multi_save": "a MULTI|a SAVE|a EXEC",
    "wait_inside": "a MULTI|a SET x 1|a WAIT 5 10000|a EXEC",
    "client_id_inside": "a MULTI|a CLIENT SETNAME n|a CLIENT GETNAME|a EXEC|a CLIENT GETNAME",
    "client_unblock_inside": "a MULTI|a PING 1|a CLIENT UNBLOCK 999999|a PING 2|a CLIENT UNBLOCK 999998|a PING 3|a EXEC|a PING",
    "client_reply_inside": "a MULTI|a CLIENT REPLY ON|a PING|a EXEC",
    "hello3": "a HELLO 3|a WATCH x|b SET x 1|a MULTI|a EXEC|a MULTI|a GET nosuch|a EXEC",
    "bad_hello_inside": "a MULTI|a HELLO 9|a EXEC",
    "subcommand_aborts": "a MULTI|a CLIENT NOSUCH|a EXEC",
    "getset_mget": "a MULTI|a MSET x 1 y 2 z 3|a MGET x y z|a DEL x y|a EXEC",
    "client_unblock_errors": "a CLIENT UNBLOCK x|a CLIENT UNBLOCK 1 NOW|a CLIENT UNBLOCK 123456",
    # What waits. Needs the list, sorted set and stream commands.
    "blpop": "a BLPOP k 0|b LPUSH k v|a <|b LLEN k",
    "blpop_now": "b RPUSH k 1 2|a BLPOP k 0|a BRPOP k 0",
    "blpop_timeout": "a BLPOP k 0.05|a <|a PING",
    "blpop_bad": "a BLPOP k -1|a BLPOP k x|a SET k v|a BLPOP k 0",
    "blpop_order": "a BLPOP k 0|b BLPOP k 0|c BLPOP k 0|d RPUSH k 1 2|a <|b <|d RPUSH k 3|c <",
    "blpop_wrong_type_stays": "a BLPOP k 0|b SET k v|b DEL k|b RPUSH k 1|a <",
    "blpop_in_multi": "a MULTI|a BLPOP k 0|a EXEC",
    "blpop_push_in_multi": "a BLPOP k 0|b MULTI|b RPUSH k 1|b DEL k|b EXEC|b RPUSH k 2|a <",
    "blpop_rename": "a BLPOP k 0|b RPUSH o 1|b RENAME o k|a <",
    "blpop_move": "a BLPOP k 0|b SELECT 1|b RPUSH k 1|b MOVE k 0|a <",
    "blpop_copy": "a BLPOP k 0|b RPUSH o 1|b COPY o k|a <",
    "blpop_swapdb": "a BLPOP k 0|b SELECT 1|b RPUSH k 1|b SWAPDB 0 1|a <",
    "blpop_watch": "a BLPOP k 0|c WATCH k|b RPUSH k 1|a <|c MULTI|c PING|c EXEC",
    "blpop_gone": "a BLPOP k 0|a -|b RPUSH k 1|b LLEN k",
    "blpop_then_pipelined": "a BLPOP k 0|b RPUSH k 1 2|a <|a LLEN k",
    "blmove": "a BLMOVE k d LEFT RIGHT 0|b RPUSH k 1|a <|b LRANGE d 0 -1",
    "blmove_timeout": "a BLMOVE k d LEFT RIGHT 0.05|a <",
    "blmove_chain": "a BLMOVE k m LEFT RIGHT 0|c BLPOP m 0|b RPUSH k 1|a <|c <",
    "blmove_wrong_destination": "b SET d v|a BLMOVE k d LEFT RIGHT 0|b RPUSH k 1|a <|b LRANGE k 0 -1",
    "blmpop": "a BLMPOP 0 2 x y LEFT COUNT 2|b RPUSH y 1 2 3|a <|b LRANGE y 0 -1",
    "bzpopmin": "a BZPOPMIN z 0|b ZADD z 1 one 2 two|a <|b ZCARD z",
    "bzmpop": "a BZMPOP 0 1 z MAX|b ZADD z 1 one 2 two|a <",
    "xread": "a XREAD BLOCK 0 STREAMS s $|b XADD s 1-1 f v|a <|b XADD s 2-1 f v|a XREAD BLOCK 0 STREAMS s 1-1",
    "xread_timeout": "a XREAD BLOCK 30 STREAMS s $|a <",
    "xreadgroup": "b XGROUP CREATE s g $ MKSTREAM|a XREADGROUP GROUP g c BLOCK 0 STREAMS s >|b XADD s 1-1 f v|a <",
}


class Player:
    """One server with the connections of one story."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.connections = {}

    def connection(self, name):
        if name not in self.connections:
            self.connections[name] = Connection(self.endpoint, timeout=5)
        return self.connections[name]

    def play(self, line):
        """The reply; None for a line whose reply tells about the server (HELLO)."""
        words = shlex.split(line)
        name, words = words[0], words[1:]
        if words == ["-"]:
            self.connections.pop(name).close()
            return None
        connection = self.connection(name)
        if words == ["<"]:
            return self.read(connection)
        connection.send([w.encode() for w in words])
        if words[0] in WAITING:
            if not connection.has_reply(0.15):
                return b"(waits)"
        reply = self.read(connection)
        return None if words[0] == "HELLO" else reply

    @staticmethod
    def read(connection):
        try:
            return connection.read()
        except (OSError, EOFError, ConnectionError) as error:
            return type(error).__name__

    def end(self):
        for connection in self.connections.values():
            connection.close()


def differences(left, right, story):
    players = [Player(left), Player(right)]
    found = []
    try:
        for player in players:
            player.connection("setup").send([b"FLUSHALL"])
            player.connection("setup").read()
        for line in STORIES[story].split("|"):
            if line.startswith("sleep "):
                time.sleep(int(line.split()[1]) / 1000)
                continue
            replies = [player.play(line) for player in players]
            if replies[0] != replies[1] or type(replies[0]) is not type(replies[1]):
                found.append(f"{story}: {line}: {replies[0]!r} and {replies[1]!r}")
    finally:
        for player in players:
            player.end()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--left", required=True)
    parser.add_argument("--right", required=True)
    parser.add_argument("--story", choices=sorted(STORIES))
    options = parser.parse_args()
    found = []
    for story in [options.story] if options.story else STORIES:
        found += differences(options.left, options.right, story)
    print("\n".join(found) if found else f"{len(STORIES)} stories, no difference")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
