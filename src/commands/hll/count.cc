#include <cstring>
#include <memory>
#include <span>

#include "commands/hll/parts.h"

namespace ashlar::commands {

using namespace command;
namespace hll = ds::hll;

namespace {

/// PFADD on a dense value, in place. Returns how many registers changed.
std::uint64_t add_dense(Context& ctx, const KeyRef& key, std::string_view bytes,
                        std::span<const std::string_view> elements) {
  std::uint64_t changed = 0;
  std::span<char> writable;
  for (const std::string_view element : elements) {
    const hll::Mark mark = hll::mark_of(element);
    const std::string_view present = writable.empty() ? bytes : std::string_view(writable.data(), writable.size());
    if (hll::dense_get(present, mark.index) >= mark.rank) continue;
    if (writable.empty()) writable = {ctx.db.resize(key, hll::kDenseBytes), hll::kDenseBytes};
    hll::dense_raise(writable, mark);
    ++changed;
  }
  if (changed > 0) hll::cache_estimate(writable, std::nullopt);
  return changed;
}

constexpr CommandSpec kPfadd{.name = "pfadd",
                             .arity = at_least(2),
                             .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
                             .group = Group::kHyperLogLog,
                             .categories = Category::kHyperLogLog,
                             .keys = {one_key(1, KeyAccess::kRW, KeyAction::kInsert)},
                             .since = "2.8.9",
                             .complexity = "O(1) for each element.",
                             .summary = "Adds elements to a HyperLogLog, creating it if absent.",
                             .syntax = "key [element [element ...]]"};
void pfadd(Context& ctx) {
  const KeyRef& key = ctx.keys[0];
  const auto value = find_hll(ctx, key, Access::kWrite);
  if (!value) return;
  const auto elements = ctx.args.subspan(2);
  std::uint64_t changed = 0;
  if (!value->missing() && value->encoding == hll::Encoding::kDense) {
    changed = add_dense(ctx, key, value->bytes, elements);
  } else {
    std::string bytes = value->missing() ? hll::make_empty() : std::string(value->bytes);
    if (value->missing()) changed = 1;
    for (const std::string_view element : elements) {
      changed += hll::raise(bytes, hll::mark_of(element), ctx.limits().hll_sparse_bytes) ? 1 : 0;
    }
    if (changed > 0) {
      hll::cache_estimate(bytes, std::nullopt);
      store_hll(ctx, key, bytes);
    }
  }
  if (changed > 0) {
    ctx.effects.changed(changed);
    ctx.notify(EventClass::kString, "pfadd", key);
  }
  ctx.reply.integer(changed > 0 ? 1 : 0);
}

/// The estimate of several values together.
void count_union(Context& ctx) {
  const auto registers = std::make_unique<hll::Registers>();
  for (const KeyRef& key : ctx.keys) {
    const auto value = find_hll(ctx, key, ctx.read_access());
    if (!value) return;
    if (!value->missing()) hll::merge_into(*registers, value->bytes);
  }
  ctx.reply.integer(static_cast<std::int64_t>(hll::estimate(*registers)));
}

constexpr CommandSpec kPfcount{
    .name = "pfcount",
    .arity = at_least(2),
    .flags = Flag::kReadOnly | Flag::kMayReplicate,
    .group = Group::kHyperLogLog,
    .categories = Category::kHyperLogLog,
    .keys = {key_range(1, -1, 1, KeyAccess::kRW, KeyAction::kAccess)},
    .since = "2.8.9",
    .complexity = "O(1) for one key, O(N) for several.",
    .summary = "Estimates how many different elements one or several HyperLogLogs have seen.",
    .syntax = "key [key ...]"};
void pfcount(Context& ctx) {
  if (ctx.keys.size() > 1) return count_union(ctx);
  const KeyRef& key = ctx.keys[0];
  const auto value = find_hll(ctx, key, ctx.read_access());
  if (!value) return;
  if (value->missing()) return ctx.reply.integer(0);
  if (const auto cached = hll::cached_estimate(value->bytes)) {
    return ctx.reply.integer(static_cast<std::int64_t>(*cached));
  }
  const std::uint64_t estimate = hll::estimate(value->bytes);
  ctx.reply.integer(static_cast<std::int64_t>(estimate));
  const std::size_t size = value->bytes.size();
  hll::cache_estimate({ctx.db.resize(key, size), size}, estimate);
  // A replica keeps the estimate to itself: what it records comes from its primary.
  if (ctx.db.context().expiry_role != keyspace::ExpiryRole::kReplica) ctx.effects.changed();
}

constexpr CommandSpec kPfmerge{.name = "pfmerge",
                               .arity = at_least(2),
                               .flags = Flag::kWrite | Flag::kDenyOom,
                               .group = Group::kHyperLogLog,
                               .categories = Category::kHyperLogLog,
                               .keys = {one_key(1, KeyAccess::kRW, KeyAction::kAccess | KeyAction::kInsert),
                                        key_range(2, -1, 1, KeyAccess::kRO, KeyAction::kAccess)},
                               .since = "2.8.9",
                               .complexity = "O(N) for N keys, with a high constant.",
                               .summary = "Adds to a HyperLogLog what others have seen.",
                               .syntax = "destkey [sourcekey [sourcekey ...]]"};
void pfmerge(Context& ctx) {
  const auto registers = std::make_unique<hll::Registers>();
  bool dense = false;
  std::string bytes = hll::make_empty();
  for (std::size_t i = 0; i < ctx.keys.size(); ++i) {
    const auto value = find_hll(ctx, ctx.keys[i], i == 0 ? Access::kWrite : ctx.read_access());
    if (!value) return;
    if (value->missing()) continue;
    dense = dense || value->encoding == hll::Encoding::kDense;
    hll::merge_into(*registers, value->bytes);
    if (i == 0) bytes = value->bytes;
  }
  if (dense) {
    hll::make_dense(bytes);
    hll::dense_set_all(bytes, *registers);
  } else {
    for (std::uint32_t i = 0; i < hll::kRegisters; ++i) {
      if ((*registers)[i] == 0) continue;
      hll::raise(bytes, {i, (*registers)[i]}, ctx.limits().hll_sparse_bytes);
    }
  }
  hll::cache_estimate(bytes, std::nullopt);
  const KeyRef& key = ctx.keys[0];
  store_hll(ctx, key, bytes);
  ctx.effects.changed();
  ctx.notify(EventClass::kString, "pfadd", key);
  ctx.reply.ok();
}

}  // namespace

std::optional<HllValue> find_hll(Context& ctx, const KeyRef& key, Access access) {
  const Entry* entry = ctx.db.find(key, access);
  if (entry == nullptr) return HllValue{};
  if (!entry->is_string()) {
    ctx.error(ErrorCode::kWrongType);
    return std::nullopt;
  }
  HllValue value;
  DecimalBuffer buffer;
  const std::string_view text = entry->text(buffer);
  const auto encoding = hll::recognise(text);
  if (!encoding) {
    ctx.error(ErrorCode::kWrongType, "Key is not a valid HyperLogLog string value.");
    return std::nullopt;
  }
  if (!hll::is_well_formed(text)) {
    ctx.reply.error_line("INVALIDOBJ Corrupted HLL object detected");
    return std::nullopt;
  }
  value.bytes = text;  // not an integer, so inside the entry
  value.encoding = *encoding;
  return value;
}

void store_hll(Context& ctx, const KeyRef& key, std::string_view bytes) {
  std::memcpy(ctx.db.resize(key, bytes.size()), bytes.data(), bytes.size());
}

void register_hll_count(CommandTable& table) {
  table.add(kPfadd, &pfadd);
  table.add(kPfcount, &pfcount);
  table.add(kPfmerge, &pfmerge);
}

}  // namespace ashlar::commands
