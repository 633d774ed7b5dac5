"""Every text scenario in every mode, and a gate: a command without a scenario or without a fuzz entry fails."""
import pytest

import gate
import random_commands
import texts
from modes import MODES, Connection, Mode, Servers, harness
from runner import run_all

FILES = {path.stem: path for path in texts.files()}


@pytest.fixture(scope="session")
def servers():
    ports = harness.Ports()
    found = {whose: Servers(whose, ports) for whose in ("ashlar", "redis")}
    yield found
    for started in found.values():
        started.end()


@pytest.fixture(scope="session")
def modes(servers):
    """The modes by (whose, name), each set up when it is first asked for."""
    ready = {}

    def mode(whose, name):
        if (whose, name) not in ready:
            ready[whose, name] = Mode(servers[whose], name)
        return ready[whose, name]

    yield mode
    for each in ready.values():
        each.close()


def check(mode, name):
    ran, skipped, failures = run_all(mode, texts.read_file(FILES[name]))
    for scenario, reason in skipped:
        print(f"not run: {scenario}: {reason}")
    assert not failures, "\n".join(failures)
    if not ran:
        pytest.skip(f"{name}.txt has nothing for {mode.name}: {skipped[0][1]}")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("mode", MODES)
def test_scenarios(modes, mode, name):
    check(modes("ashlar", mode), name)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("mode", ["resp2", "resp3", "cluster"])
def test_redis_agrees_with_the_texts(modes, mode, name):
    check(modes("redis", mode), name)


def test_every_command_has_a_scenario(servers):
    known = gate.names_of(servers["ashlar"].node("resp2").address)
    scenarios = [scenario for path in FILES.values() for scenario in texts.read_file(path)]
    assert len(known) > 300
    missing = gate.missing(known, scenarios)
    assert not missing, "\n".join(missing)


def test_the_gate_sees_a_command_that_no_scenario_calls_or_that_only_fails():
    scenarios = [scenario for path in FILES.values() for scenario in texts.read_file(path)]
    known = {"get": (2, set(), []), "brandnew": (2, set(), []), "nonsense": (1, set(), [])}
    found = [sentence.split(":")[0] for sentence in gate.missing(known, scenarios) if "excused" not in sentence]
    assert found == ["brandnew", "nonsense"]


def test_every_command_refuses_too_few_arguments(servers):
    server = servers["ashlar"].node("resp2").address
    wrong = gate.accepted_with_wrong_arity(server, gate.names_of(server))
    assert not wrong, "\n".join(wrong)


def test_every_command_is_fuzzed(servers):
    server = servers["ashlar"].node("resp2").address
    connection = Connection(server)
    drawn = set(random_commands.commands_of(connection))
    connection.close()
    known = {name for name, (_, _, subcommands) in gate.names_of(server).items() if not subcommands or name == "command"}
    assert not known - drawn - set(random_commands.NOT_CALLED) - {"command"}
    assert not set(random_commands.NOT_CALLED) - known - {"debug"}, "excused, but not a command"


@pytest.mark.parametrize("config", ["", "cluster-enabled yes\nthreads 4\n"], ids=["alone", "cluster"])
def test_random_commands_of_every_kind_are_answered(servers, config):
    node = servers["ashlar"].node(f"random{len(config)}", config)
    if config:
        node.call("CLUSTER", "ADDSLOTSRANGE", 0, harness.SLOTS - 1)
    calls, succeeded = random_commands.run(node.address, seed=1, rounds=10)
    assert succeeded > calls / 5


@pytest.mark.parametrize("name", ["reload", "aof", "replica"])
def test_random_commands_leave_the_same_data_elsewhere(modes, name):
    mode = modes("ashlar", name)
    there = mode.replica_control or mode.control
    for seed in range(1, 6):
        random_commands.run(mode.node.address, seed, rounds=3)
        random_commands.forget_what_expires_soon(mode.control)
        before = mode.call("DEBUG", "DIGEST")
        mode.before_reading()
        assert there.call("DEBUG", "DIGEST") == before, f"seed {seed}"
