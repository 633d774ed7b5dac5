#include "base/bytes.h"
#include "cli/modes/mode_tools.h"

namespace ashlar::cli {

int run_scan(const ModeContext& context) {
  const bool typed = context.options.output == OutputFormat::kTyped;
  KeyWalk walk(context);
  while (auto keys = walk.next()) {
    std::string out;
    for (const std::string& key : *keys) out += (typed ? quoted(key) : key) + "\n";
    say(context.console.out, out);
    if (context.options.interval) pause_for(*context.options.interval);
  }
  return walk.failed() ? 1 : 0;
}

}  // namespace ashlar::cli
