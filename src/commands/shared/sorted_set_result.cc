#include "commands/shared/sorted_set_result.h"

#include <optional>
#include <utility>

namespace ashlar::commands {

using keyspace::EventClass;
using keyspace::OwnedValue;

void store_sorted_set(command::Context& ctx, const command::KeyRef& key, keyspace::Owned<keyspace::SortedSet> result,
                      std::string_view event, std::uint64_t changes) {
  const std::uint64_t n = result->size();
  if (n > 0) {
    ctx.db.put(key, OwnedValue{std::move(result)}, std::nullopt);
    ctx.effects.changed(changes);
    ctx.notify(EventClass::kSortedSet, event, key);
  } else if (ctx.db.erase(key)) {
    ctx.effects.changed();
    ctx.notify(EventClass::kGeneric, "del", key);
  }
  ctx.reply.integer(static_cast<std::int64_t>(n));
}

}  // namespace ashlar::commands
