"""Each check catches a planted violation and leaves innocent code alone."""
import pathlib
import re
import shutil
import subprocess

import pytest

import check_headers
import check_layers
import cpp_text
import tidy
import unity_batches

TOOLS = pathlib.Path(__file__).resolve().parent


@pytest.fixture
def tree(tmp_path):
    """A tiny project; tree(path, text) plants a file and lists it in the CMakeLists.txt of its folder."""
    (tmp_path / "tools").mkdir()
    for name in ("layers.txt", "command-names.txt"):
        shutil.copy(TOOLS / name, tmp_path / "tools" / name)
    (tmp_path / "src").mkdir()

    def plant(path, text):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        if path.startswith("src/"):
            with (file.parent / "CMakeLists.txt").open("a") as listing:
                listing.write(f"{file.name}\n")
            (file.parent / "README.md").write_text("# folder\n")
        return tmp_path

    plant.root = tmp_path
    return plant


def rules(root):
    return sorted(line.split("[")[1].split("]")[0] for line in tidy.check(root)[0])


# --- layers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path, include", [
    ("src/base/a.h", '#include "net/loop.h"'),  # upwards
    ("src/resp/a.h", '#include "net/loop.h"'),  # sideways
    ("src/server/a.cc", '#include "apps/main.h"'),
    ("src/cli/a.cc", '#include "ds/table.h"'),  # lower rank, but cli has a list of its own
    ("src/cluster/core/a.h", '#include "cluster/bus/codec.h"'),  # same subsystem, but core is pure
    ("src/cluster/core/a.h", '#include "base/log.h"'),
    ("src/cluster/core/a.cc", "#include <sys/socket.h>"),
    ("src/server/a.cc", "#include <base/error.h>"),
    ("src/server/a.cc", '#include "helpers/x.h"'),  # no such rank
    ("src/helpers/a.cc", "#include <vector>"),
])
def test_layers_catch_an_include_that_points_the_wrong_way(tree, path, include):
    assert check_layers.check(tree(path, include + "\n"))


@pytest.mark.parametrize("path, include", [
    ("src/net/a.h", '#include "base/error.h"'),
    ("src/server/config/a.cc", '#include "server/config/b.h"'),
    ("src/server/a.cc", '#include "server/config/b.h"'),
    ("src/cluster/core/a.cc", '#include "base/ids.h"'),
    ("src/cluster/core/a.cc", "#include <vector>"),
    ("src/cluster/bus/a.cc", '#include "cluster/core/node.h"'),
    ("src/cli/a.cc", '#include "resp/value.h"'),
])
def test_layers_allow_own_folder_and_lower_ranks(tree, path, include):
    assert check_layers.check(tree(path, include + "\n")) == []


def test_layers_catch_two_folders_that_include_each_other(tree):
    tree("src/server/a.h", '#include "server/config/b.h"\n')
    assert check_layers.check(tree("src/server/config/b.h", '#include "server/a.h"\n'))


# --- tidy -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule, path, code", [
    ("threads", "src/net/a.cc", "void f() { std::mutex m; }"),
    ("threads", "src/net/a.cc", "void f() { std::thread t([] {}); }"),
    ("clock", "src/net/a.cc", "auto f() { return std::chrono::steady_clock::now(); }"),
    ("clock", "src/net/a.cc", "auto f() { return time(nullptr); }"),
    ("random", "src/net/a.cc", "int f() { return rand(); }"),
    ("random", "src/net/a.cc", "std::random_device d();"),
    ("sleep", "src/net/a_test.cc", "void f() { ::usleep(10); }"),
    ("sleep", "sim/a.cc", "void f() { std::this_thread::sleep_for(d); }  // tidy: allow(threads): planted"),
    ("header-weight", "src/net/a.h", "#include <iostream>"),
    ("throw", "src/net/a.cc", "void f() { throw 1; }"),
    ("unfinished", "src/net/a.cc", "// TODO: later"),
    ("command-name", "src/server/a.cc", 'bool f(std::string_view n) { return n == "psync"; }'),
    ("command-name", "src/net/a.cc", 'bool f(std::string_view n) { return iequals(n, "MULTI"); }'),
    ("function-static", "src/net/a.cc", "int f() {\n  static int calls = 0;\n  return ++calls;\n}"),
    ("function-static", "src/net/a.cc", "int f() {\n  if (true) {\n    static const char* last;\n  }\n  return 0;\n}"),
    ("function-static", "src/net/a.h", "class A {\n  int f() {\n    static int calls;\n    return calls;\n  }\n};"),
    ("global", "src/net/a.cc", "namespace ashlar {\nint counter = 0;\n}"),
    ("global", "src/net/a.cc", "namespace {\nstd::vector<int> all;\n}"),
    ("global", "src/net/a.h", "namespace a::b {\ninline std::atomic<bool> stop{false};\n}"),
    ("global", "src/net/a.cc", "static Server* server;"),
    ("pure-core", "src/cluster/core/a.h", "class A { explicit A(Clock& clock); };"),
])
def test_tidy_catches(tree, rule, path, code):
    assert rules(tree(path, code + "\n")) == [rule]


@pytest.mark.parametrize("path, code", [
    ("src/base/sync.h", "class M { std::mutex m; };"),
    ("src/base/time.cc", "auto f() { return std::chrono::steady_clock::now(); }"),
    ("src/net/a.cc", "// std::mutex is for base/sync.h\nconst char* f() { return \"rand()\"; }"),
    ("src/net/a.cc", "auto f(Peer& p) { return p.time(nullptr) + wait_time(0); }"),
    ("src/net/a.cc", "void f() {\n  static const std::array<int, 2> kTable = {1, 2};\n  static constexpr int kN = 3;\n}"),
    ("src/net/a.cc", "State& s() {\n  static State* const kState = [] {\n    return new State;\n  }();\n  return *kState;\n}"),
    ("src/net/a.h", "class A {\n public:\n  static A make(int x);\n  static int count();\n\n private:\n  int x_ = 0;\n};"),
    ("src/net/a.cc", "namespace {\nconstexpr int kN = 3;\nconst std::string kName = \"x\";\nusing T = int;\n"
                     "int f(int x);\nstruct S {\n  int a = 0;\n};\n}\nint g() {\n  int local = 0;\n  return local;\n}"),
    ("src/net/a.cc", "int table() {\n  const auto f = [&](int x) {\n    int y = x;\n    return y;\n  };\n  return f(1);\n}"),
    ("src/net/a.cc", "void f() {\n  run([&] {\n    int inside = 1;\n    use(inside);\n  });\n  int after = 2;\n}"),
    ("src/commands/string/a.cc", 'bool f(std::string_view n) { return n == "getex"; }'),
    ("src/cli/a.cc", 'bool f(std::string_view n) { return n == "monitor"; }'),
    ("src/net/a.cc", "void f(void* p) {\n  if (p == nullptr) throw std::bad_alloc();\n}"),
    ("src/net/a.cc", "// FIXME(#12): known, see there"),
    ("src/net/a.cc", "// tidy: allow(threads): the library calls back under its own lock\nvoid f() { std::mutex m; }"),
    ("src/net/a.cc", "std::string_view f() { return R\"(throw \" rand() )\"; }\nchar g() { return '\"'; }"),
])
def test_tidy_leaves_alone(tree, path, code):
    assert rules(tree(path, code + "\n")) == []


def test_tidy_needs_a_reason_for_an_exception(tree):
    assert rules(tree("src/net/a.cc", "void f() { std::mutex m; }  // tidy: allow(threads):\n")) == ["threads"]


def test_tidy_catches_a_file_that_nothing_builds(tree):
    root = tree("src/net/a.cc", "int f();\n")
    (root / "src/net/forgotten.cc").write_text("int g();\n")
    assert rules(root) == ["dead-file"]


@pytest.mark.parametrize("text", [None, "# net\n" * 16])
def test_tidy_wants_a_short_readme_in_each_folder(tree, text):
    root = tree("src/net/a.cc", "int f();\n")
    readme = root / "src/net/README.md"
    readme.unlink() if text is None else readme.write_text(text)
    assert rules(root) == ["readme"]


def test_tidy_notes_long_files_and_functions_without_failing(tree):
    root = tree("src/net/a.cc", "int f() {\n" + "  g();\n" * 700 + "  return 1;\n}\n")
    problems, remarks = tidy.check(root)
    assert problems == []
    assert len(remarks) == 2 and "note: 703 lines" in remarks[0] and "f has 703 lines" in remarks[1]


def test_function_lengths_are_those_of_the_source():
    code = "int A::f(int x) const {\n  if (x) {\n    return 1;\n  }\n  return 2;\n}\n\nint g() { return 3; }\n"
    assert list(cpp_text.functions(code)) == [("A::f", 1, 6), ("g", 8, 1)]


# --- format ---------------------------------------------------------------------------------------------------------


def test_format_check_catches_a_bad_line_and_mends_it(tmp_path):
    shutil.copy(TOOLS.parent / ".clang-format", tmp_path)
    file = tmp_path / "a.cc"
    file.write_text("int  f( ) {return 1;}\n")
    script = str(TOOLS / "check_format.sh")
    assert subprocess.run([script, str(file)], capture_output=True).returncode == 1
    assert subprocess.run([script, "--fix", str(file)], capture_output=True).returncode == 0
    assert subprocess.run([script, str(file)], capture_output=True).returncode == 0
    assert file.read_text() == "int f() { return 1; }\n"


# --- headers alone --------------------------------------------------------------------------------------------------


def test_chains_put_a_header_only_after_headers_that_it_includes():
    includes = {"a": set(), "b": {"a"}, "c": {"a"}, "d": {"a", "b"}}
    lists = check_headers.chains(includes)
    assert sorted(sum(lists, [])) == ["a", "b", "c", "d"]
    assert len(lists) == 2
    for chain in lists:
        assert all(earlier in includes[later] for earlier, later in zip(chain, chain[1:]))


def test_chains_survive_headers_that_include_each_other():
    lists = check_headers.chains({"a": {"b"}, "b": {"a"}})
    assert sorted(lists) == [["a"], ["b"]]


def test_headers_are_compiled_alone(tree):
    tree("src/base/a.h", "#pragma once\nstruct A {};\n")
    tree("src/base/b.h", '#pragma once\n#include "base/a.h"\nstruct B { A a; };\n')
    tree("src/base/c.h", "#pragma once\nstruct C { A a; };\n")  # does not say where A comes from
    tree("src/base/d.h", '#pragma once\nstruct D { A a; };\n#include "base/a.h"\n')  # says it too late
    headers, units, complaints = check_headers.check(tree.root, ["g++", "-std=c++23"], 2)
    assert (headers, units) == (4, 3)
    assert len(complaints) == 2 and "base/c.h:2" in complaints[0] + complaints[1] and "base/d.h:2" in complaints[0] + complaints[1]


def test_shares_of_the_headers_make_all_of_them(tree):
    for number in range(9):
        tree(f"src/base/h{number}.h", "#pragma once\n")
    shares = [check_headers.check(tree.root, ["g++", "-std=c++23"], 2, (i, 3))[0] for i in range(3)]
    assert sum(shares) == 9 and max(shares) < 9


def test_headers_are_guarded(tree):
    tree("src/base/a.h", "struct A {};\n")
    assert "redefinition" in check_headers.check(tree.root, ["g++", "-std=c++23"], 1)[2][0]


def test_flags_come_from_all_entries(tmp_path):
    path = tmp_path / "compile_commands.json"
    path.write_text('[{"command": "/bin/ccache g++ -DX -I/a -O1 -g1 -Wall -std=c++23 -o x.o -c /src/x.cc"},'
                    ' {"command": "/bin/ccache g++ -I/a -isystem /b -O1 -Wall -std=c++23 -o y.o -c /src/y.cc"}]')
    assert check_headers.flags_of(path) == ["/bin/ccache", "g++", "-Wall", "-std=c++23", "-DX", "-I/a", "-isystem", "/b", "-O0", "-g0"]


# --- batches --------------------------------------------------------------------------------------------------------


def test_files_with_a_name_in_common_share_no_batch():
    assert unity_batches.batches([{"a"}, {"b"}, {"a", "c"}, {"c"}]) == [0, 0, 1, 0]
    assert unity_batches.batches([set()] * 12) == [0] * 10 + [1] * 2


def test_own_names_are_those_of_unnamed_namespaces():
    text = ("namespace x {\nnamespace {\n\nconstexpr int kA = 1;\nstruct B : C {\n  int no;\n};\n"
            "template <typename T>\n[[nodiscard]] std::vector<T> make(int f) {\n  return no2();\n}\n"
            "std::array<int, 3> kList{1};\nusing D = int;\nTEST(S, Works) {\n}\n\n}  // namespace\n"
            "void outside() {}\n}  // namespace x\n")
    assert unity_batches.own_names(text) == {"kA", "B", "make", "kList", "D"}


# --- documents ------------------------------------------------------------------------------------------------------


def test_both_readmes_tell_the_same_commands():
    def commands(name):
        text = (TOOLS.parent / name).read_text()
        return [re.sub(r"\s*#.*", "", block) for block in re.findall(r"^```\w+\n(.*?)^```", text, re.M | re.S)]

    assert commands("README.md") == commands("README.zh-CN.md") != []
