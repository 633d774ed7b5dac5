#include "commands/bitmap/bits.h"
#include "commands/bitmap/parts.h"

namespace ashlar::commands {

using namespace command;

namespace {

constexpr CommandSpec kSetbit{.name = "setbit",
                              .arity = exactly(4),
                              .flags = Flag::kWrite | Flag::kDenyOom,
                              .group = Group::kBitmap,
                              .categories = Category::kBitmap,
                              .keys = {one_key(1, KeyAccess::kRW, KeyAction::kAccess | KeyAction::kUpdate)},
                              .since = "2.2.0",
                              .complexity = "O(1)",
                              .summary = "Sets or clears a bit of a string value, which grows as needed.",
                              .syntax = "key offset value"};
void setbit(Context& ctx) {
  const auto offset = parse_bit_offset(ctx, ctx.args[2]);
  if (!offset) return ctx.error(offset.error());
  if (ctx.args[3] != "0" && ctx.args[3] != "1") return ctx.error("bit is not an integer or out of range");
  const std::uint64_t bit = ctx.args[3] == "1" ? 1 : 0;
  const KeyRef& key = ctx.keys[0];
  DecimalBuffer digits;
  const auto old = read_bit_text(ctx, key, Access::kWrite, digits);
  if (!old) return ctx.error(old.error());
  const std::size_t size = *offset / 8 + 1;
  const std::uint64_t before = read_bits(old->text, *offset, 1);
  if (old->text.size() < size || before != bit) {
    write_bits(writable_bits(ctx, key, *old, size), size, *offset, 1, bit);
    ctx.effects.changed();
    ctx.notify(EventClass::kString, "setbit", key);
  }
  ctx.reply.integer(static_cast<std::int64_t>(before));
}

constexpr CommandSpec kGetbit{.name = "getbit",
                              .arity = exactly(3),
                              .flags = Flag::kReadOnly | Flag::kFast,
                              .group = Group::kBitmap,
                              .categories = Category::kBitmap,
                              .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
                              .since = "2.2.0",
                              .complexity = "O(1)",
                              .summary = "Reads a bit of a string value.",
                              .syntax = "key offset"};
void getbit(Context& ctx) {
  const auto offset = parse_bit_offset(ctx, ctx.args[2]);
  if (!offset) return ctx.error(offset.error());
  DecimalBuffer digits;
  const auto text = read_bit_text(ctx, ctx.keys[0], ctx.read_access(), digits);
  if (!text) return ctx.error(text.error());
  ctx.reply.integer(static_cast<std::int64_t>(read_bits(text->text, *offset, 1)));
}

}  // namespace

void register_single_bits(CommandTable& table) {
  table.add(kSetbit, &setbit);
  table.add(kGetbit, &getbit);
}

}  // namespace ashlar::commands
