"""What the server can do, and what the scenarios call: nothing may be missing."""
from modes import Connection, ErrorReply

# Commands that can only refuse here, so an error is all that a scenario can show.
ONLY_ERRORS = {
    "acl|load": "needs an ACL file, which forbids `user` lines in the configuration of the other scenarios",
    "acl|save": "needs an ACL file",
    "cluster|failover": "needs a replica in the cluster: tests/e2e/test_tutorial.py",
    "cluster|forget": "needs a second member: tests/cli/test_cluster_manager.py",
    "cluster|meet": "needs a second member: tests/cli/test_cluster_manager.py",
    "cluster|replicate": "needs a second member: tests/e2e/test_tutorial.py",
    "module|load": "there are no modules",
    "module|loadex": "there are no modules",
    "module|unload": "there are no modules",
}


def names_of(server):
    """Every command that the server knows, subcommands as `command|subcommand`; (name, arity, flags) by name."""
    found = {}

    def note(entry):
        found[entry[0].decode()] = (entry[1], {flag.decode() for flag in entry[2]}, [sub[0].decode() for sub in entry[9]])
        for sub in entry[9]:
            note(sub)

    connection = Connection(server)
    for entry in connection.call("COMMAND"):
        note(entry)
    connection.close()
    return found


def called_in(scenarios, known):
    """(names that the scenarios call, names of which they expect something else than an error)."""
    called, succeeded = set(), set()
    for scenario in scenarios:
        for step in scenario.steps:
            if not step.words:
                continue
            words = [word.decode(errors="replace").lower() for word in step.words[:2]]
            name = words[0]
            if len(words) > 1 and "|".join(words) in known:
                name = "|".join(words)
            called.add(name)
            if any(expected[0] != "error" for _, expected in step.replies):
                succeeded.add(name)
    return called, succeeded


def missing(known, scenarios):
    """Sentences about commands without a scenario."""
    called, succeeded = called_in(scenarios, known)
    sentences = []
    for name, (_, _, subcommands) in sorted(known.items()):
        if subcommands and name not in ("command",):
            continue  # a container alone does nothing; its subcommands are asked for
        if name not in called:
            sentences.append(f"{name}: no scenario calls it")
        elif name not in succeeded and name not in ONLY_ERRORS:
            sentences.append(f"{name}: scenarios expect nothing but errors of it")
    sentences += [f"{name}: is excused in gate.py but does not exist" for name in sorted(set(ONLY_ERRORS) - set(known))]
    return sentences


def accepted_with_wrong_arity(server, known):
    """Names of commands that take a number of arguments which their own specification forbids."""
    connection, wrong = Connection(server), []
    for name, (arity, _, subcommands) in sorted(known.items()):
        words = name.split("|")
        if subcommands or abs(arity) <= len(words):
            continue  # nothing can be left out
        reply = connection.call(*words, *["x"] * (abs(arity) - len(words) - 1))
        expected = f"ERR wrong number of arguments for '{name}' command".encode()
        if not (isinstance(reply, ErrorReply) and reply.text == expected):
            wrong.append(f"{name}: {reply!r}")
    connection.close()
    return wrong
