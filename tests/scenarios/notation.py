"""The notation of replies: reads it, and says whether a reply is what was expected. README.md shows it by example."""
import re
import sys
import pathlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "diff"))
from resp import ErrorReply, Status  # noqa: E402  the folder is known only now

ESCAPES = {"n": b"\n", "r": b"\r", "t": b"\t", "b": b"\b", "a": b"\a"}
BRACKETS = [("unordered[", "]"), ("pairs[", "]"), ("set[", "]"), ("nested{", "}"), ("{", "}"), ("[", "]")]
# What stands for itself between parentheses, without an argument.
PLAIN = ("nil", "any", "int", "true", "false", "closed", "waits", "nothing", "no reply")


class Malformed(Exception):
    """Text that is not in the notation."""


def unquote(text, start):
    """The bytes of the quoted text that begins at `start`, and where it ends. As redis-cli reads quotes."""
    quote, out, at = text[start], b"", start + 1
    while at < len(text):
        char = text[at]
        if char == quote:
            return out, at + 1
        if char == "\\" and quote == '"' and at + 1 < len(text):
            hexadecimal = re.match(r"\\x([0-9a-fA-F]{2})", text[at:])
            if hexadecimal:
                out, at = out + bytes([int(hexadecimal.group(1), 16)]), at + 4
                continue
            out, at = out + ESCAPES.get(text[at + 1], text[at + 1].encode()), at + 2
            continue
        out, at = out + char.encode(), at + 1
    raise Malformed(f"no closing {quote} in {text!r}")


def split_words(line):
    """The words of a command. "x"*100 is x a hundred times; the rest is as in redis-cli."""
    words, at = [], 0
    while at < len(line):
        if line[at].isspace():
            at += 1
            continue
        if line[at] in "\"'":
            word, at = unquote(line, at)
            times = re.match(r"\*(\d+)", line[at:])
            if times:
                word, at = word * int(times.group(1)), at + times.end()
        else:
            end = at
            while end < len(line) and not line[end].isspace():
                end += 1
            word, at = line[at:end].encode(), end
        words.append(word)
    return words


class Reader:
    """Reads one expected reply."""

    def __init__(self, text):
        self.text, self.at = text, 0

    def _skip(self):
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def _take(self, pattern):
        match = re.compile(pattern).match(self.text, self.at)
        if match:
            self.at = match.end()
        return match

    def whole(self):
        """The text as one reply: at this level an error or a status needs no quotes."""
        text = self.text.strip()
        if text.startswith("(error)") and not re.match(r'\(error\)\s*["/]', text):
            return ("error", text[7:].strip().encode())
        if re.match(r"[A-Za-z]", text) and not text.startswith(("set[", "pairs[", "unordered[", "nested{")):
            return ("status", text.encode())
        found = self.value()
        self._skip()
        if self.at != len(self.text):
            raise Malformed(f"what does {self.text[self.at:]!r} mean?")
        return found

    def value(self):
        self._skip()
        text = self.text[self.at:]
        for opening, closing in BRACKETS:
            if text.startswith(opening):
                self.at += len(opening)
                kind = {"[": "array", "{": "map"}.get(opening, opening[:-1])
                return (kind, self._items(closing, closing == "}"))
        if text.startswith('"'):
            found, self.at = unquote(self.text, self.at)
            times = self._take(r"\*(\d+)")
            return ("bulk", found * int(times.group(1)) if times else found)
        regex = self._take(r"/((?:[^/\\]|\\.)*)/")
        if regex:
            return ("regex", regex.group(1).encode())
        number = self._take(r"-?\d+(?![\w.])")
        if number:
            return ("integer", int(number.group()))
        name = self._take(r"\$(\w+)")
        if name:
            return ("variable", name.group(1))
        parenthesis = self._parenthesis()
        if parenthesis:
            return parenthesis
        if self._take(r"\.\.\."):
            return ("rest", None)
        word = self._take(r"[A-Za-z]\w*")
        if word:
            return ("status", word.group().encode())
        raise Malformed(f"what does {text!r} mean?")

    def _parenthesis(self):
        plain = self._take(r"\((" + "|".join(PLAIN) + r")\)")
        if plain:
            return (plain.group(1), None)
        between = self._take(r"\((-?\d+)\.\.(-?\d+)\)")
        if between:
            return ("between", (int(between.group(1)), int(between.group(2))))
        number = self._take(r"\((double|bignum)\) *(-?[\w.+-]+)")
        if number:
            return (number.group(1), number.group(2).encode())
        kind = self._take(r"\((verbatim|error)\)")
        if not kind:
            return None
        inner = self.value()
        if inner[0] not in ("bulk", "regex"):
            raise Malformed(f"quotes or a pattern must follow ({kind.group(1)})")
        return (kind.group(1), inner[1] if inner[0] == "bulk" else inner)

    def _items(self, closing, is_map):
        items = []
        while True:
            self._skip()
            if self._take(re.escape(closing)):
                return items
            if items and not self._take(","):
                raise Malformed(f"a comma is missing before {self.text[self.at:]!r}")
            item = self.value()
            if is_map and item[0] != "rest":
                self._skip()
                if not self._take(":"):
                    raise Malformed(f"a colon is missing before {self.text[self.at:]!r}")
                item = (item, self.value())
            items.append(item)


def parse(text):
    """An expected reply as (kind, content)."""
    return Reader(text).whole()


def text_of(value):
    """The bytes of anything that is text or a number on the wire; None for the rest."""
    if isinstance(value, ErrorReply) or value is None or isinstance(value, (list, dict, bool)):
        return None
    if isinstance(value, tuple):
        return value[1][4:] if value[0] == "verbatim" else value[1]
    return b"%d" % value if isinstance(value, int) else bytes(value)


class Matcher:
    """Compares replies with what was expected. `variables` holds what `$name` stands for; an unknown name is learnt."""

    def __init__(self, protocol, variables):
        self.resp3, self.variables = protocol == 3, variables

    def matches(self, expected, value):
        kind, content = expected
        return getattr(self, "_" + kind.replace(" ", "_"))(content, value)

    def _integer(self, content, value):
        return type(value) is int and value == content

    def _int(self, _, value):
        return type(value) is int

    def _between(self, content, value):
        return type(value) is int and content[0] <= value <= content[1]

    def _bulk(self, content, value):
        return type(value) is bytes and value == content

    def _status(self, content, value):
        return isinstance(value, Status) and bytes(value) == content

    def _nil(self, _, value):
        return value is None

    def _any(self, _, value):
        return not isinstance(value, ErrorReply)

    def _regex(self, content, value):
        text = text_of(value)
        return text is not None and re.search(content, text, re.DOTALL) is not None

    def _error(self, content, value):
        if not isinstance(value, ErrorReply):
            return False
        return re.search(content[1], value.text) is not None if isinstance(content, tuple) else value.text == content

    def _true(self, _, value):
        return value is True if self.resp3 else value == 1 and type(value) is int

    def _false(self, _, value):
        return value is False if self.resp3 else value == 0 and type(value) is int

    def _typed(self, name, content, value):
        """A type that RESP2 does not have and sends as a bulk string."""
        if self.resp3:
            if not (isinstance(value, tuple) and value[0] == name):
                return False
            value = value[1]
        return type(value) is bytes and value == content

    def _double(self, content, value):
        return self._typed("double", content, value)

    def _bignum(self, content, value):
        return self._typed("bignum", content, value)

    def _verbatim(self, content, value):
        if self.resp3 and isinstance(value, tuple) and value[0] == "verbatim":
            value = value[1][4:]
        elif self.resp3:
            return False
        return self.matches(content if isinstance(content, tuple) else ("bulk", content), value)

    def _variable(self, name, value):
        text = text_of(value)
        return text is not None and self.variables.setdefault(name, text) == text

    def _array(self, items, value):
        value = value["push"] if isinstance(value, dict) and "push" in value else value
        return isinstance(value, list) and self._in_order(items, value)

    def _in_order(self, items, values):
        open_end = bool(items) and items[-1][0] == "rest"
        items = items[:-1] if open_end else items
        fits = len(items) <= len(values) if open_end else len(items) == len(values)
        return fits and all(self.matches(item, value) for item, value in zip(items, values))

    def _in_any_order(self, items, values, matches):
        open_end = ("rest", None) in items
        items, left = [item for item in items if item[0] != "rest"], list(values)
        for item in items:
            found = next((at for at, value in enumerate(left) if matches(item, value)), None)
            if found is None:
                return False
            del left[found]
        return open_end or not left

    def _unordered(self, items, value):
        return isinstance(value, list) and self._in_any_order(items, value, self.matches)

    def _set(self, items, value):
        if self.resp3:
            value = value.get("set") if isinstance(value, dict) else None
        return self._unordered(items, value)

    def _pair(self, item, value):
        return self.matches(item[0], value[0]) and self.matches(item[1], value[1])

    def _map(self, items, value):
        if self.resp3:
            value = value.get("map") if isinstance(value, dict) else None
        elif isinstance(value, list) and len(value) % 2 == 0:
            value = list(zip(value[::2], value[1::2]))
        else:
            return False
        return value is not None and self._in_any_order(items, value, self._pair)

    def _nested(self, items, value):
        if self.resp3:
            return self._map(items, value)
        nested = isinstance(value, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in value)
        return nested and self._in_any_order(items, value, self._pair)

    def _pairs(self, items, value):
        if not self.resp3 and isinstance(value, list) and len(value) % 2 == 0:
            value = [list(pair) for pair in zip(value[::2], value[1::2])]
        return self._array(items, value)


def quote(data):
    out = ""
    for byte in data:
        char = chr(byte)
        if char in '"\\':
            out += "\\" + char
        elif char in "\n\r\t":
            out += {"\n": "\\n", "\r": "\\r", "\t": "\\t"}[char]
        else:
            out += char if 32 <= byte < 127 else f"\\x{byte:02x}"
    return f'"{out}"'


def render(value, outermost=True):
    """A reply in the notation."""
    if isinstance(value, ErrorReply):
        plain = outermost and value.text == value.text.strip()
        return "(error) " + (value.text.decode(errors="backslashreplace") if plain else quote(value.text))
    if isinstance(value, Status):
        text = value.decode(errors="backslashreplace")
        return text if outermost or re.fullmatch(r"[A-Za-z]\w*", text) else f"/^{re.escape(text)}$/"
    if value is None:
        return "(nil)"
    if isinstance(value, bool):
        return "(true)" if value else "(false)"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return quote(value)
    if isinstance(value, tuple):
        text = value[1].decode(errors="backslashreplace")
        return f"(verbatim) {quote(value[1][4:])}" if value[0] == "verbatim" else f"({value[0]}) {text}"
    if isinstance(value, list):
        return bracket("[", [render(item, False) for item in value], "]")
    (kind, items), = value.items()
    if kind == "map":
        return bracket("{", [f"{render(key, False)}: {render(item, False)}" for key, item in items], "}")
    return bracket("[" if kind == "push" else "set[", [render(item, False) for item in items], "]")


def bracket(opening, items, closing):
    line = opening + ", ".join(items) + closing
    return line if len(line) <= 110 else opening + ",\n ".join(items) + closing


def spellings(value):
    """Ways to write down a RESP3 reply, of which one may describe the RESP2 reply as well."""
    yield render(value)
    if isinstance(value, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in value):
        yield "pairs" + render(value)
    if isinstance(value, dict) and "map" in value:
        yield "nested" + render(value)
