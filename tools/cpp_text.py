"""Reads C++ just far enough for tools/tidy.py: comments, strings, scopes and statements. Not a parser."""
import re

TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^(\s\\]{0,16})\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-zA-Z])\'(?:\\.|[^\'\\\n])+\'',
    re.S)


def without_comments_and_strings(text):
    """The same text, same line breaks, with comments blanked and literals emptied (include lines keep their target)."""

    def blank(match):
        token = match.group(0)
        line_start = text.rfind("\n", 0, match.start()) + 1
        if token.startswith('"') and text[line_start:match.start()].lstrip().startswith("#"):
            return token
        breaks = "\n" * token.count("\n")
        if token.startswith("/"):
            return breaks or " "
        return token[0] + breaks + token[-1] if token[0] != "R" else '""' + breaks

    return TOKEN.sub(blank, text)


def _without_preprocessor(code):
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: "\n" * m.group(0).count("\n"), code, flags=re.M)


def _scope_kind(head, outer):
    """What the brace after `head` opens: namespace, type, function, or init (a braced list)."""
    if re.search(r"\bnamespace\b[^()]*$", head) or re.search(r'extern\s*""\s*$', head):
        return "namespace"
    if outer == "function":
        return "init" if re.search(r"(=|\breturn|,|\(|[\w>])\s*$", head) and not head.rstrip().endswith(
            ("else", "do", "try", "const", "noexcept", "mutable")) and ")" not in head[-2:] else "function"
    if re.search(r"\b(class|struct|union|enum)\b(?![^<]*>)", head) and not re.search(r"\)\s*[\w\s]*$", head.split(":")[0]):
        return "type"
    if ")" in head:
        before_brace = head.rstrip()
        return "init" if before_brace.endswith(("=", ",", "(")) else "function"
    return "init"


def _walk(code):
    """Yields ("open", kind, head, line), ("close", kind, head, line) and ("statement", scope, text, line)."""
    code = _without_preprocessor(code)
    stack, head, head_line, line, parens = [("namespace", "", 0)], "", 1, 1, 0
    for char in code:
        if not head.strip():
            head_line = line
        if char == "\n":
            line += 1
        if char == "{":
            kind = _scope_kind(head, stack[-1][0]) if parens == 0 else "init"
            if parens and re.search(r"\]\s*(\([^{}]*\))?[^(){};]*$", head):
                kind = "lambda"  # a body inside an argument list: its statements are a function's
            yield "open", kind, head.strip(), head_line
            stack.append((kind, head if kind == "init" else "", parens))
            parens = 0
            head = head + "{" if kind == "init" else ""
        elif char == "}" and len(stack) > 1:
            kind, before, outer_parens = stack.pop()
            yield "close", kind, head, line
            head, parens = (before + "{}" if kind == "init" else ("{}" if kind == "lambda" else "")), outer_parens
        elif char == ";" and parens == 0:
            scope = stack[-1][0]
            yield "statement", "function" if scope == "lambda" else scope, " ".join(head.split()), head_line
            head = ""
        else:
            parens += (char == "(") - (char == ")")
            head += char
            if stack[-1][0] == "type" and re.fullmatch(r"\s*(public|private|protected)\s*:", head):
                head = ""


def statements(code):
    """(scope, line, text) of each statement; scope is namespace, type or function."""
    for event, scope, text, line in _walk(code):
        if event == "statement" and scope != "init":
            yield scope, line, re.sub(r"^(\[\[[^\]]*\]\]\s*|case [^:]*:\s*|default:\s*)*", "", text)


def functions(code):
    """(name, first line, number of lines) of each function with a body."""
    open_functions = []
    for event, kind, head, line in _walk(code):
        if event == "open" and kind == "function":
            name = re.search(r"([\w:~]+)\s*\(", head)
            open_functions.append((name.group(1) if name else "?", line))
        elif event == "close" and kind == "function":
            name, start = open_functions.pop()
            if not open_functions:
                yield name, start, line - start + 1


NOT_A_VARIABLE = re.compile(r"(using|typedef|template|class|struct|union|enum|friend|static_assert|namespace|constexpr|"
                            r"extern|concept|ASH_|TEST|BENCHMARK|RC_)\b|(\w+ )*(constexpr|consteval|operator)\b|ASH_|\}")


def defines_variable(statement):
    """Whether a statement of a namespace defines a variable (and not a type, alias or function)."""
    if not statement or NOT_A_VARIABLE.match(statement):
        return False
    head = re.split(r"[={]", statement, maxsplit=1)[0]
    return "(" not in head and bool(re.match(r"(?:[\w:<>,*&\s]|\[[^\]]*\])+[\s*&>]\w+(\[[^\]]*\])*\s*$", head))
