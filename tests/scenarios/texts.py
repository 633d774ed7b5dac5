"""Reads the files of scenarios; README.md shows how they are written."""
import pathlib
import re

import notation

HERE = pathlib.Path(__file__).resolve().parent
# What a scenario or a reply may be restricted to: how it is run, the protocol, and whose server answers.
LABELS = {"resp2", "resp3", "reload", "aof", "replica", "cluster", "threads", "redis", "ashlar"}
STEP = re.compile(r"(~?)(\w*)> (.+)")
ARRIVAL = re.compile(r"(\w*)<(?: (.*))?$")
DIRECTIVE = re.compile(r"(not|only) in ([\w, ]+): (\S.*)")
LABELLED = re.compile(r"([\w, ]+?)(?: \(([^)]*)\))?: (.+)", re.DOTALL)


class Step:
    """One command with its reply, or one more reply that arrives at a client."""

    def __init__(self, line, client, words=None, patient=False):
        self.line, self.client, self.words, self.patient = line, client, words, patient
        self.texts = []  # replies as written, before they are read
        self.replies = []  # (labels, expected); the first that fits the run counts

    def expected(self, labels):
        """What must come in a run with these labels; None when the text does not say."""
        general = [reply for wanted, reply in self.replies if not wanted]
        special = [reply for wanted, reply in self.replies if wanted and wanted & labels]
        return (special or general or [None])[0]

    def read_replies(self):
        for text in self.texts:
            match = LABELLED.fullmatch(text)
            labels = set(re.split(r",\s*", match.group(1))) if match else set()
            if labels and labels <= LABELS:
                self.replies.append((labels, notation.parse(match.group(3))))
            else:
                self.replies.append((set(), notation.parse(text)))


class Scenario:
    def __init__(self, file, line, title, conditions):
        self.file, self.line, self.title, self.conditions, self.steps = file, line, title, list(conditions), []

    def reason_to_skip(self, labels):
        """Why it does not run with these labels; None when it does."""
        for kind, wanted, reason in self.conditions:
            if (kind == "not") == bool(wanted & labels):
                return reason
        return None

    def __repr__(self):
        return f"{self.file}:{self.line} {self.title}"


def condition(line, where):
    match = DIRECTIVE.fullmatch(line)
    if not match:
        raise notation.Malformed(f"{where}: what does {line!r} mean?")
    labels = set(re.split(r",\s*", match.group(2)))
    if not labels <= LABELS:
        raise notation.Malformed(f"{where}: unknown: {labels - LABELS}")
    return match.group(1), labels, match.group(3)


def read_file(path):
    """The scenarios of a file, in order."""
    scenarios, common, step = [], [], None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        where = f"{path.name}:{number}"
        stripped = line.strip()
        if stripped.startswith("#"):
            continue
        if not stripped:
            step = None
        elif line.startswith("== "):
            scenarios.append(Scenario(path.name, number, line[3:].strip(), common))
            step = None
        elif not scenarios:
            common.append(condition(line, where))
        elif step and line[0].isspace():
            step.texts[-1] += "\n" + line
        elif STEP.fullmatch(line):
            patient, client, command = STEP.fullmatch(line).groups()
            step = Step(number, client, notation.split_words(command), patient == "~")
            scenarios[-1].steps.append(step)
        elif ARRIVAL.fullmatch(line):
            client, text = ARRIVAL.fullmatch(line).groups()
            step = Step(number, client)
            step.texts += [text] if text else []
            scenarios[-1].steps.append(step)
        elif step:
            step.texts.append(line)
        else:
            scenarios[-1].conditions.append(condition(line, where))
    for scenario in scenarios:
        for step in scenario.steps:
            try:
                step.read_replies()
            except notation.Malformed as error:
                raise notation.Malformed(f"{path.name}:{step.line}: {error}") from None
    return scenarios


def files():
    return sorted(HERE.glob("*.txt"))
