"""The notation of scenarios: what fits a reply and, more important, what does not."""
import pytest

import notation
import texts
from notation import ErrorReply, Status

FITS = [
    # text, protocol, reply
    ("OK", 2, Status(b"OK")),
    ("Background saving started", 2, Status(b"Background saving started")),
    ("(error) ERR no such key", 2, ErrorReply(b"ERR no such key")),
    ("(error) /no such/", 2, ErrorReply(b"ERR no such key")),
    ('"a\\x00b"', 2, b"a\x00b"),
    ('"ab"*2', 2, b"abab"),
    ("-3", 2, -3),
    ("(1..5)", 2, 5),
    ("(nil)", 2, None),
    ('[1, [(nil), OK]]', 2, [1, [None, Status(b"OK")]]),
    ('[1, ...]', 2, [1, 2, 3]),
    ('unordered["a", "b"]', 2, [b"b", b"a"]),
    ('{"a": 1, "b": 2}', 2, [b"b", 2, b"a", 1]),
    ('{"a": 1}', 3, {"map": [(b"a", 1)]}),
    ('{"b": 2, ...}', 2, [b"a", 1, b"b", 2]),
    ('set["a", "b"]', 2, [b"b", b"a"]),
    ('set["a", "b"]', 3, {"set": [b"b", b"a"]}),
    ("(double) 1.5", 2, b"1.5"),
    ("(double) 1.5", 3, ("double", b"1.5")),
    ("(true)", 2, 1),
    ("(true)", 3, True),
    ('pairs[["a", (double) 1]]', 2, [b"a", b"1"]),
    ('pairs[["a", (double) 1]]', 3, [[b"a", ("double", b"1")]]),
    ('nested{"a": 1}', 2, [[b"a", 1]]),
    ('["message", "c", "x"]', 3, {"push": [b"message", b"c", b"x"]}),
    ("/^a.c$/", 3, ("verbatim", b"txt:abc")),
]
DIFFERS = [
    ("OK", 2, b"OK"),
    ('"OK"', 2, Status(b"OK")),
    ("1", 2, b"1"),
    ("1", 3, True),
    ("(true)", 3, 1),
    ("(any)", 2, ErrorReply(b"ERR x")),
    ("/x/", 2, ErrorReply(b"ERR x")),
    ("(error) ERR", 2, ErrorReply(b"ERR more")),
    ("(1..5)", 2, 6),
    ("[1, 2]", 2, [1, 2, 3]),
    ("[1, 2, ...]", 2, [1]),
    ('unordered["a", "a"]', 2, [b"a", b"b"]),
    ('["a"]', 3, {"set": [b"a"]}),
    ('set["a"]', 3, [b"a"]),
    ('{"a": 1}', 3, [b"a", 1]),
    ("(double) 1.5", 3, b"1.5"),
    ('nested{"a": 1}', 2, [b"a", 1]),
    ('pairs[["a", 1]]', 3, [b"a", 1]),
]


@pytest.mark.parametrize("text,protocol,reply", FITS)
def test_a_reply_fits_its_description(text, protocol, reply):
    assert notation.Matcher(protocol, {}).matches(notation.parse(text), reply)


@pytest.mark.parametrize("text,protocol,reply", DIFFERS)
def test_another_reply_does_not_fit(text, protocol, reply):
    assert not notation.Matcher(protocol, {}).matches(notation.parse(text), reply)


@pytest.mark.parametrize("text", ["[1", "[1 2]", '"a', '{"a" 1}', "(what)", "1 2", "(error) /a/ b"])
def test_text_that_means_nothing_is_refused(text):
    with pytest.raises(notation.Malformed):
        notation.parse(text)


@pytest.mark.parametrize("reply", [Status(b"OK"), ErrorReply(b"ERR x "), None, -1, b'a"\\\x00\n', [1, [b"x"]], True,
                                   {"map": [(b"a", 1)]}, {"set": [b"a"]}, ("double", b"1.5")])
def test_what_is_written_down_describes_the_reply(reply):
    assert notation.Matcher(3, {}).matches(notation.parse(notation.render(reply)), reply)


def test_a_name_stands_for_what_it_met_first():
    matcher = notation.Matcher(2, {})
    assert matcher.matches(notation.parse("[$id, $id]"), [7, 7])
    assert not matcher.matches(notation.parse("$id"), 8)


def test_every_scenario_has_a_title_of_its_own_and_says_what_is_to_come():
    for path in texts.files():
        scenarios = texts.read_file(path)
        titles = [scenario.title for scenario in scenarios]
        assert len(titles) == len(set(titles)), path
        silent = [f"{path.name}:{step.line}" for scenario in scenarios for step in scenario.steps if not step.replies]
        assert not silent
