#include "cli/shell/program.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/bytes.h"
#include "cli/cluster/manager.h"
#include "cli/line_editor/terminal.h"
#include "cli/modes/modes.h"
#include "cli/options.h"
#include "cli/quoting.h"
#include "cli/shell/history.h"
#include "cli/shell/repl.h"

namespace ashlar::cli {
namespace {

constexpr std::string_view kPasswordWarning =
    "Warning: Using a password with '-a' or '-u' option on the command line interface may not be safe.\n";

void say(std::FILE* file, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), file);
  std::fflush(file);
}

Surroundings look_around(const Environment& environment) {
  Surroundings out;
  // FAKETTY makes output for people testable through a pipe, as with redis-cli.
  out.stdout_is_terminal = ::isatty(STDOUT_FILENO) != 0 || environment.variable("FAKETTY");
  out.password = environment.variable("ASHLARCLI_AUTH");
  if (!out.password) out.password = environment.variable("REDISCLI_AUTH");
  return out;
}

/// `variable` when it is set, else `name` in the home directory; nullopt when there is no such place, or it is
/// /dev/null.
std::optional<std::string> dot_file(const Environment& environment, const char* variable, const std::string& name) {
  if (auto path = environment.variable(variable); path && !path->empty()) {
    if (*path == "/dev/null") return std::nullopt;
    return path;
  }
  const auto home = environment.variable("HOME");
  if (!home || home->empty()) return std::nullopt;
  return *home + "/" + name;
}

std::optional<std::string> read_all_of_stdin(Console console) {
  std::string content;
  std::array<char, 64 * 1024> bytes;
  for (;;) {
    const ssize_t n = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      say(console.err, std::string("Reading from standard input: ") + std::strerror(errno) + "\n");
      return std::nullopt;
    }
    if (n == 0) return content;
    content.append(bytes.data(), static_cast<std::size_t>(n));
  }
}

/// The words of the command with quotes and standard input put in; nullopt after a complaint.
std::optional<std::vector<std::string>> command_words(const Options& options, Console console) {
  std::vector<std::string> words = options.command;
  if (options.quoted_input) {
    for (std::string& word : words) {
      auto plain = unquote(word);
      if (!plain) {
        say(console.out, "Invalid quoted string\n");
        return std::nullopt;
      }
      word = std::move(*plain);
    }
  }
  if (options.stdin_use == StdinUse::kNone) return words;
  auto tag = words.end();
  if (options.stdin_use == StdinUse::kTag) {
    tag = std::ranges::find(words, options.stdin_tag);
    if (tag == words.end()) {
      say(console.err, "Using -X option but stdin tag not match.\n");
      return std::nullopt;
    }
  }
  auto content = read_all_of_stdin(console);
  if (!content) return std::nullopt;
  if (tag != words.end()) {
    *tag = std::move(*content);
  } else {
    words.push_back(std::move(*content));
  }
  return words;
}

int run_one_shot(const Options& options, const Environment& environment) {
  Session session(options, environment.console, Usage::kOneShot);
  session.connect(Complain::kNo);
  const auto words = command_words(options, environment.console);
  if (!words) return 1;
  const std::string& name = words->front();
  if (iequals(name, "help") || name == "?") {
    const Words subject = Words(*words).subspan(1);
    if (!subject.empty() && !session.is_connected() && session.connect(Complain::kYes) != ConnectResult::kReady)
      return 1;
    const auto docs = subject.empty() ? CommandDocs() : fetch_docs(session);
    if (!docs) {
      say(environment.console.err, "No documentation: " + docs.error().detail + "\n");
      return 1;
    }
    say(environment.console.out, docs->help(subject));
    return 0;
  }
  if (synchronises(*words)) {
    if (!session.is_connected() && session.connect(Complain::kYes) != ConnectResult::kReady) return 1;
    return run_sync_command({options, session, environment.console, environment.clock}, *words);
  }
  return session.run(*words, options.repeat) == RunResult::kOk ? 0 : 1;
}

int run_interactive(const Options& options, const Environment& environment) {
  Session session(options, environment.console, Usage::kInteractive);
  session.connect(Complain::kYes);
  const bool on_terminal = ::isatty(STDIN_FILENO) != 0;
  History history(on_terminal ? dot_file(environment, "ASHLARCLI_HISTFILE", ".ashlarcli_history") : std::nullopt);
  Repl repl(options, session, environment.console, environment.clock, history);
  const auto preferences = dot_file(environment, "ASHLARCLI_RCFILE", ".ashlarclirc");
  if (on_terminal && preferences) repl.load_preferences(*preferences);
  repl.run();
  return 0;
}

int run_mode(const Options& options, const Environment& environment) {
  Session session(options, environment.console, Usage::kOneShot);
  if (session.connect(Complain::kYes) != ConnectResult::kReady) return 1;
  const ModeContext context{options, session, environment.console, environment.clock};
  switch (options.mode) {
    case Mode::kStat: return run_stat(context);
    case Mode::kLatency:
    case Mode::kLatencyHistory: return run_latency(context);
    case Mode::kLatencyDistribution: return run_latency_distribution(context);
    case Mode::kBigKeys:
    case Mode::kMemKeys: return run_big_keys(context);
    case Mode::kHotKeys: return run_hot_keys(context);
    case Mode::kScan: return run_scan(context);
    case Mode::kPipe: return run_pipe(context);
    case Mode::kRdb:
    case Mode::kFunctionsRdb: return run_rdb(context);
    case Mode::kReplica: return run_replica(context);
    case Mode::kCommand:
    case Mode::kCluster:
    case Mode::kHelp:
    case Mode::kVersion: break;
  }
  return 1;
}

}  // namespace

int run_program(std::span<const std::string> args, const Environment& environment) {
  const Console console = environment.console;
  auto parsed = parse_options(args, look_around(environment));
  if (!parsed) {
    say(console.err, parsed.error().detail + "\n");
    return 1;
  }
  Options& options = *parsed;
  if (options.mode == Mode::kHelp || options.mode == Mode::kVersion) {
    say(console.out, options.mode == Mode::kHelp ? usage_text() : version_text() + "\n");
    return 0;
  }
  if (options.auth_warning) say(console.err, kPasswordWarning);
  if (options.ask_password) {
    const bool on_terminal = ::isatty(STDIN_FILENO) != 0;
    options.connect.password =
        on_terminal ? read_password(STDIN_FILENO, STDOUT_FILENO, "Please input password: ") : read_plain_line(stdin);
    if (!options.connect.password) {
      if (!on_terminal) say(console.err, "There is no password on standard input.\n");
      return 1;
    }
  }
  if (options.mode == Mode::kCluster) return cluster_main(options.cluster_args, options.connect);
  if (options.mode != Mode::kCommand) return run_mode(options, environment);
  const bool has_command = !options.command.empty();
  return has_command ? run_one_shot(options, environment) : run_interactive(options, environment);
}

}  // namespace ashlar::cli
