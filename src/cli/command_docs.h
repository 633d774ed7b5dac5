/// What the server says about its commands (COMMAND DOCS): names, summaries and argument grammar, for `help`,
/// completion and hints. Thread: any once built.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "resp/value.h"

namespace ashlar::cli {

/// One argument of a command, or a group of them.
struct ArgumentDoc {
  enum class Kind : std::uint8_t { kPlain, kPureToken, kOneOf, kBlock };
  Kind kind = Kind::kPlain;
  std::string name;   // what stands for the value
  std::string token;  // word that comes before it, or that it consists of (kPureToken)
  bool has_token = false;
  bool optional = false;
  bool multiple = false;
  bool multiple_token = false;     // each repetition has its token
  std::vector<ArgumentDoc> parts;  // of kOneOf and kBlock
};

struct CommandDoc {
  std::string name;  // upper case, words separated by one blank: "CLUSTER NODES"
  std::string summary;
  std::string since;
  std::string group;
  std::vector<ArgumentDoc> arguments;
};

/// "key value [NX|XX] [GET]": the notation of redis-cli. Empty without arguments.
[[nodiscard]] std::string render_arguments(std::span<const ArgumentDoc> arguments);

class CommandDocs {
 public:
  /// Reads a reply of COMMAND DOCS, in RESP2 or RESP3 shape. Whatever has not the expected form is left out.
  [[nodiscard]] static CommandDocs from_reply(const resp::Value& reply);

  /// Sorted by name; a container stands before its subcommands.
  [[nodiscard]] std::span<const CommandDoc> all() const noexcept { return commands_; }
  [[nodiscard]] bool empty() const noexcept { return commands_.empty(); }
  /// The command that the first of `words` name, the longest name that fits; nullptr when there is none. The second is
  /// the number of words that the name took.
  [[nodiscard]] std::pair<const CommandDoc*, std::size_t> match(std::span<const std::string> words) const;
  /// Whole lines that complete `line`: commands, or after "help " commands and @groups. In upper case unless `line`
  /// shows that the user types lower case.
  [[nodiscard]] std::vector<std::string> completions(std::string_view line) const;
  /// Text of `help <words>`; without words the general help. Never empty.
  [[nodiscard]] std::string help(std::span<const std::string> words) const;

 private:
  void add(const resp::Value& name, const resp::Value& docs);

  std::vector<CommandDoc> commands_;
  std::vector<std::string> groups_;  // sorted
};

/// What to show in grey after `line`: the arguments that were not typed yet. Empty when nothing helps.
[[nodiscard]] std::string argument_hint(const CommandDocs& docs, std::string_view line);

}  // namespace ashlar::cli
