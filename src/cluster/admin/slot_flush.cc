#include "cluster/admin/slot_flush.h"

#include <fmt/format.h>

#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace ashlar::cluster {

using command::Context;
using command::Flag;

namespace {

constexpr command::CommandSpec kSflush{.name = "sflush",
                                       .arity = command::at_least(3),
                                       .flags = Flag::kWrite | Flag::kWholeKeyspace,
                                       .group = command::Group::kServer,
                                       .categories = command::Category::kKeyspace | command::Category::kDangerous,
                                       .since = "8.0.0",
                                       .complexity = "O(N) where N is the number of keys in the slots.",
                                       .summary = "Deletes all keys of slots, as far as this node serves them.",
                                       .syntax = "slot-start slot-last [slot-start slot-last ...] [ASYNC | SYNC]"};

/// The slots of pairs of bounds.
Result<SlotBitmap> parse_slots(std::span<const std::string_view> bounds) {
  SlotBitmap slots;
  for (std::size_t i = 0; i + 1 < bounds.size(); i += 2) {
    const auto read = [&](std::string_view text) -> std::optional<SlotId> {
      const auto n = parse_i64(text);
      return n ? SlotId::from(*n) : std::nullopt;
    };
    const auto first = read(bounds[i]);
    const auto last = read(bounds[i + 1]);
    if (!first || !last) return fail("Invalid or out of range slot");
    if (*last < *first) {
      return fail(
          fmt::format("start slot number {} is greater than end slot number {}", first->value(), last->value()));
    }
    for (std::uint32_t n = first->value(); n <= last->value(); ++n) {
      const SlotId slot = SlotId::wrap(n);
      if (slots.test(slot)) return fail(fmt::format("Slot {} specified multiple times", n));
      slots.set(slot);
    }
  }
  return slots;
}

/// Deletes what a slot holds in one database; the names of the keys go to `deleted`.
void empty_slot(keyspace::Db db, SlotId slot, std::vector<std::string>& deleted) {
  const std::size_t before = deleted.size();
  const keyspace::SlotDb* data = db.keyspace().slot(slot).find(db.index().value);
  if (data == nullptr) return;
  data->table.for_each([&](const keyspace::EntryTable::Word& word) { deleted.emplace_back(word.record()->key()); });
  for (const std::string& key : std::span(deleted).subspan(before)) {
    (void)db.erase(db.keyspace().ref(key));  // no event for each key, as with FLUSHALL
  }
}

/// Records deletions as DEL, so many keys at a time: servers that know no SFLUSH follow as well.
void record_deletions(Context& ctx, std::vector<std::string>& keys) {
  constexpr std::size_t kAtOnce = 64;
  for (std::size_t at = 0; at < keys.size(); at += kAtOnce) {
    command::Effects::Record del = {"DEL"};
    const std::size_t end = std::min(at + kAtOnce, keys.size());
    for (std::size_t i = at; i < end; ++i) del.push_back(std::move(keys[i]));
    ctx.effects.instead(std::move(del));
  }
}

}  // namespace

void SlotFlush::sflush(Context& ctx) {
  if (driver_ == nullptr) return ctx.error("This instance has cluster support disabled");
  auto bounds = ctx.args.subspan(1);
  // The keys are gone before the reply either way; what takes long to free is freed in the background.
  if (iequals(bounds.back(), "SYNC") || iequals(bounds.back(), "ASYNC")) bounds = bounds.first(bounds.size() - 1);
  if (bounds.empty() || bounds.size() % 2 != 0) {
    return ctx.error(fmt::format("wrong number of arguments for '{}' command", ctx.spec.name));
  }
  auto slots = parse_slots(bounds);
  if (!slots) return ctx.error(slots.error());
  const auto view = driver_->view().get();
  for (std::uint32_t n = 0; n < kSlotCount; ++n) {
    if (!view->is_mine(SlotId::wrap(n))) slots->reset(SlotId::wrap(n));
  }
  const std::vector<SlotRange> ranges = slots->ranges();
  std::uint64_t count = 0;
  for (std::uint32_t index = 0; index < ctx.db.keyspace().databases(); ++index) {
    std::vector<std::string> deleted;
    for (const SlotRange& range : ranges) {
      for (std::uint32_t n = range.first.value(); n <= range.last.value(); ++n) {
        empty_slot(ctx.db.other(DbIndex{index}), SlotId::wrap(n), deleted);
      }
    }
    if (deleted.empty()) continue;
    count += deleted.size();
    const bool elsewhere = index != ctx.db.index().value;
    if (elsewhere) ctx.effects.instead({"SELECT", std::to_string(index)});
    record_deletions(ctx, deleted);
    if (elsewhere) ctx.effects.instead({"SELECT", std::to_string(ctx.db.index().value)});
  }
  ctx.effects.changed(count);
  ctx.reply.set(ranges.size());
  for (const SlotRange& range : ranges) {
    ctx.reply.array(2);
    ctx.reply.integer(range.first.value());
    ctx.reply.integer(range.last.value());
  }
}

void SlotFlush::register_in(command::CommandTable& table) {
  table.add(kSflush, command::Handler::bind<&SlotFlush::sflush>(*this));
}

}  // namespace ashlar::cluster
