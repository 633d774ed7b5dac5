#include "commands/stream/claim_record.h"

#include <string>

#include "commands/stream/args.h"

namespace ashlar::commands {

using command::Context;
using command::EventClass;

void record_claim(Context& ctx, const GroupPlace& place, keyspace::StreamId id, const keyspace::StreamPending& entry) {
  ctx.effects.instead({"XCLAIM", place.key, place.name, entry.consumer->name, "0", keyspace::id_text(id), "TIME",
                       std::to_string(entry.delivered_ms), "RETRYCOUNT", std::to_string(entry.deliveries), "FORCE",
                       "JUSTID", "LASTID", keyspace::id_text(place.group.last_id)});
}

void record_group_id(Context& ctx, const GroupPlace& place) {
  const auto& read = place.group.entries_read;
  ctx.effects.instead({"XGROUP", "SETID", place.key, place.name, keyspace::id_text(place.group.last_id), "ENTRIESREAD",
                       read ? std::to_string(*read) : "-1"});
}

keyspace::StreamGroup::Created see_consumer(Context& ctx, const keyspace::KeyRef& key, keyspace::StreamGroup& group,
                                            std::string_view name) {
  const keyspace::StreamGroup::Created created = group.consumer(name, now_millis(ctx));
  created.consumer.seen_ms = now_millis(ctx);
  if (created.fresh) {
    ctx.effects.changed();
    ctx.notify(EventClass::kStream, "xgroup-createconsumer", key);
  }
  return created;
}

}  // namespace ashlar::commands
