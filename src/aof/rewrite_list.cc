#include <vector>

#include "aof/command_format.h"
#include "aof/rewrite_values.h"
#include "keyspace/values/list.h"

namespace ashlar::aof {

void append_list_commands(std::string& out, std::string_view key, const keyspace::List& value) {
  std::vector<std::string> texts;  // what the arguments refer to
  std::vector<std::string_view> args;
  const auto flush = [&] {
    args.assign({"RPUSH", key});
    args.insert(args.end(), texts.begin(), texts.end());
    append_command(out, args);
    texts.clear();
  };
  for (auto at = value.seek(0); !at.at_end(); at.step(keyspace::ListEnd::kLeft)) {
    texts.push_back(at.value().to_string());
    if (texts.size() == kItemsPerCommand) flush();
  }
  if (!texts.empty()) flush();
}

}  // namespace ashlar::aof
