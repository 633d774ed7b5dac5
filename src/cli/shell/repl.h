/// The interactive mode: a prompt, a line, its replies, and again.
#pragma once

#include <optional>
#include <string>

#include "base/time.h"
#include "cli/command_docs.h"
#include "cli/line_editor/terminal.h"
#include "cli/options.h"
#include "cli/session.h"
#include "cli/shell/history.h"

namespace ashlar::cli {

/// Thread: one. Blocks. Reads standard input: with line editing on a terminal, plainly and without a prompt elsewhere.
class Repl {
 public:
  /// Everything is borrowed. `preferences_path`: a file of ":set ..." lines, read when standard input is a terminal.
  Repl(const Options& options, Session& session, Console console, const Clock& clock, History& history);

  /// Reads ":set ..." lines; a missing file is no error.
  void load_preferences(const std::string& path);
  /// Runs until the user leaves or the input ends.
  void run();

 private:
  enum class Next : std::uint8_t { kGoOn, kLeave };

  [[nodiscard]] std::optional<std::string> read_line();
  [[nodiscard]] Next handle(const std::string& line);
  void run_command(Words words);
  void set_preference(Words words, std::string_view where);
  void connect_elsewhere(const std::string& host, const std::string& port);
  void show_help(Words subject);
  void synchronise(Words words);
  Result<void> load_docs();

  const Options& options_;
  Session& session_;
  Console console_;
  const Clock& clock_;
  History& history_;
  Terminal terminal_;
  CommandDocs docs_;
  bool on_terminal_;
  bool hints_ = true;
};

/// COMMAND DOCS of the server that the session is connected to. Errors: of the connection; kGeneric - the server's
/// refusal, or it told of no command.
[[nodiscard]] Result<CommandDocs> fetch_docs(Session& session);

}  // namespace ashlar::cli
