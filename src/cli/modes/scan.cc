#include "cli/modes/mode_tools.h"

namespace ashlar::cli {

int run_scan(const ModeContext& context) {
  KeyWalk walk(context);
  while (auto keys = walk.next()) {
    std::string out;
    for (std::string& key : *keys)
      out += format_reply(resp::Value::bulk(std::move(key)), context.options.output, context.options.delimiters);
    say(context.console.out, out);
    if (context.options.interval) pause_for(*context.options.interval);
  }
  return walk.failed() ? 1 : 0;
}

}  // namespace ashlar::cli
