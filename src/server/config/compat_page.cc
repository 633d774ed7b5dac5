#include "server/config/compat_page.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "server/config/directive.h"

namespace ashlar::config {
namespace {

constexpr std::string_view kIntroduction =
    "# Configuration directives\n"
    "\n"
    "Every directive of Redis 7.0 and Valkey 8.1 is accepted in files, on the command line and by CONFIG SET, checked, "
    "and\n"
    "answered by CONFIG GET. This page says which of them do something here. It is made from the table in\n"
    "`src/server/config` by `config_tool compat`; a test fails when the two differ.\n"
    "\n"
    "*file* in the third column: fixed at start. *kept*: accepted without effect, for the reason given.\n"
    "\n"
    "In files only: `include` (globs, at most 16 levels), `rename-command`, `user`, `loadmodule` (refused: there are\n"
    "no modules). Ignored, as in Redis 7: `list-max-ziplist-entries`, `list-max-ziplist-value`, "
    "`lua-replicate-commands`.\n";

/// Defaults that the machine or the place of start decides.
[[nodiscard]] std::string default_text(const Directive& directive, const Config& defaults) {
  if (directive.name == "threads") return "processors, at most 4";
  if (directive.name == "dir") return "where it is started";
  std::string text = format_value(defaults, directive);
  return text.empty() ? std::string("none") : fmt::format("`{}`", text);
}

[[nodiscard]] std::string row(const Directive& directive, const Config& defaults) {
  std::string names = fmt::format("`{}`", directive.name);
  for (const std::string_view alias : directive.alias_names) {
    if (!alias.empty()) names += fmt::format(", `{}`", alias);
  }
  std::string effect(directive.meaning.empty() ? "as in Redis" : directive.meaning);
  if (!directive.reason.empty()) effect = fmt::format("kept: {}", directive.reason);
  return fmt::format("| {} | {} | {} | {} |\n", names, default_text(directive, defaults),
                     directive.is_immutable ? "file" : "CONFIG SET", effect);
}

}  // namespace

std::string render_compat_page() {
  const Config defaults;
  std::string page(kIntroduction);
  for (const DirectiveGroup& group : directive_groups()) {
    page += fmt::format("\n## {}\n\n| directive | default | set by | here |\n|---|---|---|---|\n", group.title);
    for (const Directive& directive : group.rows) {
      if (!directive.is_hidden) page += row(directive, defaults);
    }
  }
  return page;
}

}  // namespace ashlar::config
