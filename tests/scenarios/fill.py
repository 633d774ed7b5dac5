"""Writes down what redis-server answers where a text does not say it yet. To be read before it is believed."""
import notation
import texts
from modes import Mode
from runner import CLOSED, Mismatch, Run


def fill(path, servers):
    """Completes one file in place."""
    replies = {}
    for name in ("resp2", "resp3", "cluster", "replica"):
        mode = Mode(servers, name)
        protocol = mode.protocol
        for scenario in texts.read_file(path):
            if scenario.reason_to_skip(mode.labels):
                continue
            try:
                Run(mode, scenario).run(lambda step, reply: replies.setdefault(step.line, {}).setdefault(protocol, reply))
            except Mismatch as mismatch:
                print(mismatch)
        mode.close()
    lines = path.read_text().splitlines()
    steps = [step for scenario in texts.read_file(path) for step in scenario.steps if not step.texts]
    for step in sorted(steps, key=lambda step: -step.line):
        if step.line in replies:
            found = written(replies[step.line])
            if step.words is None and len(found) == 1:
                lines[step.line - 1] += " " + found[0]
            else:
                lines[step.line:step.line] = found
    path.write_text("\n".join(lines) + "\n")


def written(replies):
    """The lines that describe a reply of both protocols."""
    two, three = (replies.get(protocol, replies.get(5 - protocol)) for protocol in (2, 3))
    if two is CLOSED or three is CLOSED:
        return ["(closed)"]
    for spelling in notation.spellings(three):
        expected = notation.parse(spelling)
        if notation.Matcher(2, {}).matches(expected, two) and notation.Matcher(3, {}).matches(expected, three):
            return [spelling]
    return [f"resp2: {notation.render(two)}", f"resp3: {notation.render(three)}"]
