#include "cli/line_editor/editor.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cli/line_editor/text_width.h"

namespace ashlar::cli {
namespace {

/// An editor that takes bytes as a terminal sends them.
struct Bench {
  explicit Bench(std::vector<std::string> lines = {}) : history(std::move(lines)), editor(history) {}
  EditAction type(std::string_view bytes) {
    KeyDecoder decoder;
    EditAction last = EditAction::kNothing;
    for (const char c : bytes) {
      if (auto key = decoder.feed(c)) last = editor.press(*key);
    }
    if (auto key = decoder.flush()) last = editor.press(*key);
    return last;
  }
  std::vector<std::string> history;
  LineEditor editor;
};

constexpr std::string_view kLeft = "\x1b[D";
constexpr std::string_view kUp = "\x1b[A";
constexpr std::string_view kDown = "\x1b[B";

TEST(LineEditor, InsertsAtTheCursor) {
  Bench b;
  b.type("gt k");
  b.type(kLeft);
  b.type(kLeft);
  b.type(kLeft);
  b.type("e");
  EXPECT_EQ(b.editor.text(), "get k");
  EXPECT_EQ(b.editor.cursor(), 2u);
}

TEST(LineEditor, MovesAndErasesWholeUtf8Characters) {
  Bench b;
  b.type(
      "a\xc3\xa9"
      "e\xcc\x81");  // e with acute accent, then e and a combining one
  b.type("\x7f");
  EXPECT_EQ(b.editor.text(), "a\xc3\xa9");
  b.type(kLeft);
  EXPECT_EQ(b.editor.cursor(), 1u);
  b.type("\x1b[3~");
  EXPECT_EQ(b.editor.text(), "a");
}

TEST(LineEditor, KillsToTheEndsAndByWord) {
  Bench b;
  b.type("set key value");
  b.type("\x17");
  EXPECT_EQ(b.editor.text(), "set key ");
  b.type(
      "\x01\x1b"
      "f\x0b");
  EXPECT_EQ(b.editor.text(), "set");
  b.type(kLeft);
  b.type("\x15");
  EXPECT_EQ(b.editor.text(), "t");
  EXPECT_EQ(b.editor.cursor(), 0u);
}

TEST(LineEditor, TransposesTheLastTwoCharactersAtTheEnd) {
  Bench b;
  b.type("gte\x08\x08\x08getk\x14");
  EXPECT_EQ(b.editor.text(), "gekt");
}

TEST(LineEditor, SubmitsWithEnterAndEndsWithControlDOnAnEmptyLine) {
  Bench b;
  EXPECT_EQ(b.type("\x04"), EditAction::kEndOfInput);
  b.type("ab");
  b.type(kLeft);
  EXPECT_EQ(b.type("\x04"), EditAction::kRefresh);
  EXPECT_EQ(b.editor.text(), "a");
  EXPECT_EQ(b.type("\r"), EditAction::kSubmit);
  EXPECT_EQ(b.type("\x03"), EditAction::kInterrupt);
}

TEST(LineEditor, WalksTheHistoryAndComesBackToTheTypedLine) {
  Bench b({"one", "two"});
  b.type("new");
  b.type(kUp);
  EXPECT_EQ(b.editor.text(), "two");
  b.type(kUp);
  EXPECT_EQ(b.editor.text(), "one");
  EXPECT_EQ(b.type(kUp), EditAction::kBell);
  b.type(kDown);
  b.type(kDown);
  EXPECT_EQ(b.editor.text(), "new");
  EXPECT_EQ(b.type(kDown), EditAction::kBell);
}

TEST(LineEditor, CyclesThroughCompletionsAndBack) {
  Bench b;
  b.editor.set_completer([](std::string_view line) {
    return line == "ge" ? std::vector<std::string>{"get", "getex"} : std::vector<std::string>();
  });
  b.type("ge\t");
  EXPECT_EQ(b.editor.text(), "get");
  b.type("\t");
  EXPECT_EQ(b.editor.text(), "getex");
  b.type("\t");
  EXPECT_EQ(b.editor.text(), "ge");
  b.type("\t k");
  EXPECT_EQ(b.editor.text(), "get k");
  EXPECT_EQ(b.type("\t"), EditAction::kBell);
}

TEST(LineEditor, EscapeTakesACompletionBack) {
  Bench b;
  b.editor.set_completer([](std::string_view) { return std::vector<std::string>{"get"}; });
  b.type("g\t");
  b.type("\x1b");
  EXPECT_EQ(b.editor.text(), "g");
}

TEST(LineEditor, SearchesTheHistoryBackwards) {
  Bench b({"set a 1", "get a", "set b 2"});
  b.type("\x12set");
  EXPECT_EQ(b.editor.text(), "set b 2");
  b.type("\x12");
  EXPECT_EQ(b.editor.text(), "set a 1");
  EXPECT_EQ(b.type("\x12"), EditAction::kBell);
  EXPECT_NE(b.editor.render("> ", 80).find("(reverse-i-search)`set': set a 1"), std::string::npos);
  EXPECT_EQ(b.type("\r"), EditAction::kSubmit);
  EXPECT_EQ(b.editor.text(), "set a 1");
}

TEST(LineEditor, EscapeLeavesTheSearchWithTheOldLine) {
  Bench b({"set a 1"});
  b.type("old\x12set");
  b.type("\x1b");
  EXPECT_EQ(b.editor.text(), "old");
  EXPECT_EQ(b.editor.render("> ", 80), "\r> old\x1b[0K\r\x1b[5C");
}

TEST(LineEditor, DrawsTheHintInGreyAfterTheLine) {
  Bench b;
  b.editor.set_hinter([](std::string_view) { return std::string(" key"); });
  b.type("get");
  EXPECT_EQ(b.editor.render("> ", 80), "\r> get\x1b[0;90m key\x1b[0m\x1b[0K\r\x1b[5C");
  EXPECT_EQ(b.editor.render("> ", 80, LineEditor::Last::kYes), "\r> get\x1b[0K\r\x1b[5C");
}

TEST(LineEditor, CutsTheHintAtTheEdgeOfTheScreen) {
  Bench b;
  b.editor.set_hinter([](std::string_view) { return std::string(" key value"); });
  b.type("set");
  EXPECT_EQ(b.editor.render("> ", 10), "\r> set\x1b[0;90m key\x1b[0m\x1b[0K\r\x1b[5C");
}

TEST(LineEditor, ShowsTheEndOfALineThatIsTooLong) {
  Bench b;
  b.type("0123456789");
  EXPECT_EQ(b.editor.render("> ", 8), "\r> 56789\x1b[0K\r\x1b[7C");
}

TEST(LineEditor, DrawsALongLineWithoutMeasuringItAgainForEachCharacter) {
  Bench b;
  Key key{KeyKind::kText, std::string(100'000, 'x')};
  EXPECT_EQ(b.editor.press(key), EditAction::kRefresh);
  // Quadratic work would not come to an end.
  EXPECT_EQ(b.editor.render("> ", 8), "\r> xxxxx\x1b[0K\r\x1b[7C");
}

TEST(LineEditor, CountsWideCharactersAsTwoColumns) {
  Bench b;
  b.type("\xe4\xb8\xad\xe6\x96\x87");
  EXPECT_EQ(b.editor.render("> ", 80), "\r> \xe4\xb8\xad\xe6\x96\x87\x1b[0K\r\x1b[6C");
}

TEST(TextWidth, CountsBytesThatAreNoUtf8AsOneColumn) {
  EXPECT_EQ(display_width("a\xff\xc3"), 3u);
  EXPECT_EQ(next_character("\xff\xc3", 0), 1u);
  EXPECT_EQ(previous_character("a\xff", 2), 1u);
}

}  // namespace
}  // namespace ashlar::cli
