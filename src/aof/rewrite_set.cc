#include <algorithm>
#include <array>
#include <vector>

#include "aof/command_format.h"
#include "aof/rewrite_values.h"
#include "base/bytes.h"
#include "keyspace/values/set.h"

namespace ashlar::aof {

void append_set_commands(std::string& out, std::string_view key, const keyspace::Set& value) {
  std::array<DecimalBuffer, kItemsPerCommand> digits;
  std::vector<std::string_view> args = {"SADD", key};
  const std::size_t head = args.size();
  value.for_each([&](const ds::PackedValue& member) {
    args.push_back(member.text(digits[args.size() - head]));
    if (args.size() < head + kItemsPerCommand) return;
    append_command(out, args);
    args.resize(head);
  });
  if (args.size() > head) append_command(out, args);
}

}  // namespace ashlar::aof
