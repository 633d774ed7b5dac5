#include <algorithm>
#include <bit>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/key_slot.h"
#include "command/arg_parser.h"
#include "commands/generic/parts.h"
#include "keyspace/slot_guard.h"

namespace ashlar::commands {

using namespace command;
using keyspace::EntryTable;
using keyspace::SlotDb;
using keyspace::SlotGuard;

namespace {

/// Whether a lookup would find it: expired keys are skipped, not removed, while the table is walked.
bool visible(const Db& db, const EntryTable::Word& word) {
  if (!word.marked() || db.context().expiry_role == keyspace::ExpiryRole::kApply) return true;
  return word.record()->expiry_ms() >= unix_millis(db.now());
}

/// The keys of one slot and database, or nullptr when there are none. The slot is locked.
SlotDb* keys_of(const Db& db, SlotId slot) {
  SlotDb* keys = db.keyspace().slot(slot).find(db.index().value);
  return keys == nullptr || keys->table.empty() ? nullptr : keys;
}

/// The one slot that all keys matching `pattern` are in, when the pattern has a hash tag without wildcards and nothing
/// that could match a brace stands before it.
std::optional<SlotId> only_slot(std::string_view pattern) {
  constexpr std::string_view kSpecial = "*?[]\\";
  const std::size_t open = pattern.find('{');
  if (open == std::string_view::npos || pattern.substr(0, open).find_first_of(kSpecial) != std::string_view::npos) {
    return std::nullopt;
  }
  const std::size_t close = pattern.find('}', open + 1);
  if (close == std::string_view::npos || close == open + 1) return std::nullopt;
  const std::string_view tag = pattern.substr(open + 1, close - open - 1);
  if (tag.find_first_of(kSpecial) != std::string_view::npos) return std::nullopt;
  return key_slot(pattern.substr(0, close + 1));
}

constexpr CommandSpec kKeys{.name = "keys",
                            .arity = exactly(2),
                            .flags = Flag::kReadOnly,
                            .group = Group::kGeneric,
                            .categories = Category::kKeyspace | Category::kDangerous,
                            .since = "1.0.0",
                            .complexity = "O(N) where N is the number of keys in the database.",
                            .summary = "Lists all keys whose names match a pattern.",
                            .syntax = "pattern",
                            .tips = "request_policy:all_shards,nondeterministic_output_order"};
void keys(Context& ctx) {
  const std::string_view pattern = ctx.args[1];
  const bool all = pattern == "*";
  const std::optional<SlotId> only = only_slot(pattern);
  const std::uint32_t first = only ? only->value() : 0;
  const std::uint32_t last = only ? only->value() : kSlotCount - 1;
  const resp::Deferred matches = ctx.reply.begin_array();
  std::size_t count = 0;
  for (std::uint32_t i = first; i <= last; ++i) {
    const SlotGuard guard(ctx.db.keyspace(), SlotId::wrap(i));
    const SlotDb* slot = keys_of(ctx.db, SlotId::wrap(i));
    if (slot == nullptr) continue;
    slot->table.for_each([&](const EntryTable::Word& word) {
      const std::string_view key = word.record()->key();
      if (!visible(ctx.db, word) || (!all && !glob_match(pattern, key))) return;
      ctx.reply.bulk(key);
      ++count;
    });
  }
  ctx.reply.end(matches, count);
}

/// Where a scan stands. On the wire one number: the table's 48-bit position above the slot's 14 bits. 0 is the
/// beginning and the end.
struct ScanCursor {
  static constexpr unsigned kSlotBits = std::bit_width(unsigned{kSlotCount} - 1);
  static constexpr unsigned kPositionBits = 48;

  SlotId slot;
  std::uint64_t position = 0;

  [[nodiscard]] static std::optional<ScanCursor> parse(std::string_view text) {
    const auto number = parse_u64(text);
    if (!number) return std::nullopt;
    constexpr std::uint64_t kPositions = (std::uint64_t{1} << kPositionBits) - 1;
    return ScanCursor{SlotId::wrap(static_cast<std::uint32_t>(*number & (kSlotCount - 1))),
                      *number >> kSlotBits & kPositions};
  }
  [[nodiscard]] std::int64_t wire() const noexcept {
    return static_cast<std::int64_t>(position << kSlotBits | slot.value());
  }
};

struct ScanOptions {
  std::uint64_t count = 10;  // source: the default of SCAN
  std::optional<std::string_view> pattern;
  std::optional<std::string_view> type;
};

Result<ScanOptions> parse_scan_options(std::span<const std::string_view> args) {
  ScanOptions options;
  ArgParser in(args, 2);
  while (in.more()) {
    if (in.left() >= 2 && in.take("COUNT")) {
      const std::int64_t count = in.integer();
      if (!in.failed() && count < 1) in.reject();
      options.count = static_cast<std::uint64_t>(count);
    } else if (in.left() >= 2 && in.take("MATCH")) {
      options.pattern = in.text();
      if (options.pattern == "*") options.pattern.reset();
    } else if (in.left() >= 2 && in.take("TYPE")) {
      options.type = in.text();
    } else {
      in.reject();
    }
  }
  if (in.failed()) return std::unexpected(in.error());
  return options;
}

/// Slots with keys that one SCAN may look into. Empty ones do not count: a look at all of them costs no more than
/// DBSIZE, and each is looked at once in a round however many calls that takes.
std::uint64_t slot_budget(std::uint64_t count) {
  constexpr std::uint64_t kSlotsPerElement = 10;
  return std::min<std::uint64_t>(count, kSlotCount) * kSlotsPerElement;
}

/// Removes keys of a locked slot that a walk has met and whose time had come; on a replica they stay.
void remove_expired(Db& db, std::span<const std::string> keys) {
  for (const std::string& key : keys) (void)db.find(db.keyspace().ref(key), Access::kWrite);
}

/// Visits about `options.count` keys from `at` on and writes those that fit. Returns how many were written; moves `at`.
std::size_t scan_some(Db& db, ScanCursor& at, const ScanOptions& options, resp::Encoder& found) {
  std::size_t written = 0;
  std::uint64_t visited = 0;
  for (std::uint64_t slots = 0; slots < slot_budget(options.count) && visited < options.count;) {
    {
      const SlotGuard guard(db.keyspace(), at.slot);
      if (const SlotDb* slot = keys_of(db, at.slot)) {
        ++slots;
        std::vector<std::string> expired;
        at.position = slot->table.scan(at.position, options.count - visited, [&](const EntryTable::Word& word) {
          ++visited;
          const std::string_view key = word.record()->key();
          if (options.type && !iequals(*options.type, keyspace::type_name(word.record()->type()))) return;
          if (options.pattern && !glob_match(*options.pattern, key)) return;
          if (!visible(db, word)) {
            expired.emplace_back(key);
            return;
          }
          found.bulk(key);
          ++written;
        });
        remove_expired(db, expired);
        if (at.position != EntryTable::kScanEnd) continue;
      }
    }
    at = ScanCursor{SlotId::wrap(at.slot.value() + 1U), 0};
    if (at.slot == SlotId()) break;
  }
  return written;
}

constexpr CommandSpec kScan{.name = "scan",
                            .arity = at_least(2),
                            .flags = Flag::kReadOnly | Flag::kTouchesArbitraryKeys,
                            .group = Group::kGeneric,
                            .categories = Category::kKeyspace,
                            .since = "2.8.0",
                            .complexity = "O(1) for every call; O(N) for a whole round, where N is the number of keys.",
                            .summary = "Walks over the keys of the database, some at a time.",
                            .syntax = "cursor [MATCH pattern] [COUNT count] [TYPE type]",
                            .tips = "nondeterministic_output,request_policy:special,response_policy:special"};
void scan(Context& ctx) {
  auto cursor = ScanCursor::parse(ctx.args[1]);
  if (!cursor) return ctx.error("invalid cursor");
  const auto options = parse_scan_options(ctx.args);
  if (!options) return ctx.error(options.error());
  ByteBuffer found;  // the cursor comes first in the reply and is known last
  resp::Encoder encoder(found, ctx.reply.version());
  const std::size_t count = scan_some(ctx.db, *cursor, *options, encoder);
  ctx.reply.array(2);
  ctx.reply.bulk_i64(cursor->wire());
  ctx.reply.array(count);
  ctx.reply.raw(found.view());
}

/// A slot for RANDOMKEY: each of `count` slots from `slot_at(i)` may win, weighted by its number of keys.
template <typename SlotAt>
std::optional<SlotId> draw_slot(const Db& db, std::uint32_t count, SlotAt&& slot_at) {
  std::optional<SlotId> drawn;
  std::uint64_t total = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const SlotId slot = slot_at(i);
    const SlotGuard guard(db.keyspace(), slot);
    const SlotDb* keys = keys_of(db, slot);
    if (keys == nullptr) continue;
    total += keys->table.size();
    if (db.context().rng->below(total) < keys->table.size()) drawn = slot;
  }
  return drawn;
}

/// Replies with some visible key of `slot`; false when it has none.
bool reply_random_key(Context& ctx, SlotId slot) {
  const SlotGuard guard(ctx.db.keyspace(), slot);
  const SlotDb* keys = keys_of(ctx.db, slot);
  if (keys == nullptr) return false;
  constexpr int kAttempts = 16;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const EntryTable::Word* word = keys->table.random(*ctx.db.context().rng);
    if (!visible(ctx.db, *word)) {
      const std::string expired(word->record()->key());
      remove_expired(ctx.db, {&expired, 1});
      if (keys->table.empty()) return false;
      continue;
    }
    ctx.reply.bulk(word->record()->key());
    return true;
  }
  const Entry* any = nullptr;
  keys->table.for_each([&](const EntryTable::Word& word) {
    if (any == nullptr && visible(ctx.db, word)) any = word.record();
  });
  if (any != nullptr) ctx.reply.bulk(any->key());
  return any != nullptr;
}

constexpr CommandSpec kRandomKey{.name = "randomkey",
                                 .arity = exactly(1),
                                 .flags = Flag::kReadOnly | Flag::kTouchesArbitraryKeys,
                                 .group = Group::kGeneric,
                                 .categories = Category::kKeyspace,
                                 .since = "1.0.0",
                                 .complexity = "O(1): at most two short looks at each of the 16384 slots.",
                                 .summary = "Draws a key at random.",
                                 .tips = "request_policy:all_shards,response_policy:special,nondeterministic_output"};
void randomkey(Context& ctx) {
  // A few slots at random serve a well-filled key space; a nearly empty one is cheap to look through.
  constexpr std::uint32_t kProbes = 64;
  Rng& rng = *ctx.db.context().rng;
  const auto anywhere = [&](std::uint32_t) { return SlotId::wrap(static_cast<std::uint32_t>(rng.next() >> 32)); };
  const auto in_order = [](std::uint32_t i) { return SlotId::wrap(i); };
  if (const auto slot = draw_slot(ctx.db, kProbes, anywhere); slot && reply_random_key(ctx, *slot)) return;
  if (const auto slot = draw_slot(ctx.db, kSlotCount, in_order); slot && reply_random_key(ctx, *slot)) return;
  // The drawn slots held expired keys only: take any key that is left.
  for (std::uint32_t i = 0; i < kSlotCount; ++i) {
    if (reply_random_key(ctx, SlotId::wrap(i))) return;
  }
  ctx.reply.null();
}

}  // namespace

void register_walk(CommandTable& table) {
  table.add(kKeys, &keys);
  table.add(kScan, &scan);
  table.add(kRandomKey, &randomkey);
}

}  // namespace ashlar::commands
