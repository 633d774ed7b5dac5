#include "cli/shell/repl.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "base/bytes.h"
#include "cli/interrupt_watch.h"
#include "cli/modes/modes.h"
#include "cli/quoting.h"

namespace ashlar::cli {
namespace {

constexpr Millis kShowDurationFrom{500};

void say(std::FILE* file, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), file);
  std::fflush(file);
}

/// A leading count: "3 ping".
struct Repetition {
  std::size_t skip = 0;  // words that the count took
  std::uint64_t times = 1;
  bool valid = true;
};

bool looks_like_number(std::string_view word) {
  if (word.starts_with('-') || word.starts_with('+')) word.remove_prefix(1);
  return !word.empty() && std::ranges::all_of(word, [](char c) { return c >= '0' && c <= '9'; });
}

Repetition repetition_of(Words words) {
  if (words.size() < 2 || !looks_like_number(words[0])) return {};
  const auto times = parse_u64(words[0]);
  if (!times || *times == 0 || *times > std::numeric_limits<std::int64_t>::max()) return {1, 0, false};
  return {1, *times, true};
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

Result<CommandDocs> fetch_docs(Session& session) {
  const std::vector<std::string> words{"COMMAND", "DOCS"};
  ASH_TRY(const resp::Value reply, unless_error(session.ask(words)));
  CommandDocs docs = CommandDocs::from_reply(reply);
  if (docs.empty()) return fail("the server has none");
  return docs;
}

Repl::Repl(const Options& options, Session& session, Console console, const Clock& clock, History& history)
    : options_(options),
      session_(session),
      console_(console),
      clock_(clock),
      history_(history),
      terminal_(STDIN_FILENO, STDOUT_FILENO),
      on_terminal_(::isatty(STDIN_FILENO) != 0) {}

Result<void> Repl::load_docs() {
  docs_ = {};
  ASH_TRY(docs_, fetch_docs(session_));
  return {};
}

void Repl::load_preferences(const std::string& path) {
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "re"));
  if (!file) return;
  while (auto line = read_plain_line(file.get())) {
    const auto words = split_words(*line);
    if (words && !words->empty()) set_preference(*words, path + ": ");
  }
}

void Repl::run() {
  if (on_terminal_) static_cast<void>(load_docs());
  while (auto line = read_line()) {
    if (line->empty()) continue;
    if (handle(*line) == Next::kLeave) return;
  }
}

std::optional<std::string> Repl::read_line() {
  if (!on_terminal_) return read_plain_line(stdin);
  LineEditor editor(history_.lines());
  editor.set_completer([this](std::string_view line) { return docs_.completions(line); });
  editor.set_hinter([this](std::string_view line) { return hints_ ? argument_hint(docs_, line) : std::string(); });
  ReadLine read = terminal_.read(session_.prompt(), editor);
  if (read.outcome != ReadOutcome::kLine) return std::nullopt;
  return std::move(read.text);
}

Repl::Next Repl::handle(const std::string& line) {
  const auto split = split_words(line);
  if (split && !repetition_of(*split).valid) {
    say(console_.out, "Invalid ashlar-cli repeat command option value.\n");
    return Next::kGoOn;
  }
  if (on_terminal_) history_.add(line);
  if (!split) {
    say(console_.out, "Invalid argument(s)\n");
    return Next::kGoOn;
  }
  const Words words = *split;
  if (words.empty()) return Next::kGoOn;
  if (iequals(words[0], "quit") || iequals(words[0], "exit")) return Next::kLeave;
  if (words[0].starts_with(':')) {
    set_preference(words, "");
  } else if (words.size() == 3 && iequals(words[0], "connect")) {
    connect_elsewhere(words[1], words[2]);
  } else if (words.size() == 1 && iequals(words[0], "clear")) {
    terminal_.clear_screen();
  } else {
    run_command(words);
  }
  return Next::kGoOn;
}

void Repl::run_command(Words words) {
  const Repetition repetition = repetition_of(words);
  words = words.subspan(repetition.skip);
  if (iequals(words[0], "help") || words[0] == "?") return show_help(words.subspan(1));
  if (synchronises(words)) return synchronise(words);
  const bool was_connected = session_.is_connected();
  const MonoTime start = clock_.mono();
  session_.run(words, repetition.times);
  const Micros took = clock_.mono() - start;
  if (took >= kShowDurationFrom && options_.output == OutputFormat::kTyped)
    say(console_.out, fmt::format("({:.2f}s)\n", static_cast<double>(took.count()) / 1e6));
  // A server that was away, or wanted a password first, can tell about its commands only now.
  const bool let_in = !was_connected || starts_with_words(words, {"auth"}) || starts_with_words(words, {"hello"});
  if (on_terminal_ && docs_.empty() && let_in && session_.is_connected()) static_cast<void>(load_docs());
}

void Repl::show_help(Words subject) {
  const auto loaded = docs_.empty() ? load_docs() : Result<void>();
  if (loaded || subject.empty()) return say(console_.out, docs_.help(subject));
  say(console_.out, fmt::format("No documentation: {}\n", loaded.error().detail));
}

void Repl::synchronise(Words words) {
  if (!session_.is_connected() && session_.connect(Complain::kYes) != ConnectResult::kReady) return;
  {
    const InterruptWatch interrupt(session_);
    static_cast<void>(run_sync_command({options_, session_, console_, clock_}, words));
  }
  // The server takes the old connection for that of a replica.
  session_.connect(Complain::kYes);
}

void Repl::connect_elsewhere(const std::string& host, const std::string& port) {
  const auto number = parse_u64(port);
  if (!number || *number > std::numeric_limits<std::uint16_t>::max()) {
    say(console_.out, "Invalid port\n");
    return;
  }
  session_.set_endpoint({.host = host, .port = static_cast<std::uint16_t>(*number), .unix_path = {}});
  session_.connect(Complain::kYes);
  if (on_terminal_) static_cast<void>(load_docs());
}

void Repl::set_preference(Words words, std::string_view where) {
  if (!iequals(words[0], ":set") || words.size() < 2) {
    say(console_.out, fmt::format("{}unknown ashlar-cli internal command '{}'\n", where, words[0]));
  } else if (iequals(words[1], "hints")) {
    hints_ = true;
  } else if (iequals(words[1], "nohints")) {
    hints_ = false;
  } else {
    say(console_.out, fmt::format("{}unknown ashlar-cli preference '{}'\n", where, words[1]));
  }
}

}  // namespace ashlar::cli
