#include <array>
#include <vector>

#include "aof/command_format.h"
#include "aof/rewrite_values.h"
#include "base/bytes.h"
#include "keyspace/values/hash.h"

namespace ashlar::aof {

void append_hash_commands(std::string& out, std::string_view key, const keyspace::Hash& value) {
  std::array<DecimalBuffer, 2 * kItemsPerCommand> digits;
  std::vector<std::string_view> args = {"HSET", key};
  const std::size_t head = args.size();
  value.for_each(keyspace::kAllFields, [&](const keyspace::HashItem& item) {
    args.push_back(item.field.text(digits[args.size() - head]));
    args.push_back(item.value.text(digits[args.size() - head]));
    if (args.size() < head + 2 * kItemsPerCommand) return;
    append_command(out, args);
    args.resize(head);
  });
  if (args.size() > head) append_command(out, args);
  if (value.next_expiry_ms() == keyspace::kNoExpiryMs) return;
  value.for_each(keyspace::kAllFields, [&](const keyspace::HashItem& item) {
    if (item.expiry_ms == keyspace::kNoExpiryMs) return;
    DecimalBuffer ms;
    DecimalBuffer name;
    const std::array<std::string_view, 6> expire = {"HPEXPIREAT", key, format_i64(item.expiry_ms, ms),
                                                    "FIELDS",     "1", item.field.text(name)};
    append_command(out, expire);
  });
}

}  // namespace ashlar::aof
