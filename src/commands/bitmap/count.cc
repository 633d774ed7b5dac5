#include <algorithm>
#include <optional>

#include "commands/bitmap/bits.h"
#include "commands/bitmap/parts.h"

namespace ashlar::commands {

using namespace command;

namespace {

/// A range as a command names it: negative numbers count from the end.
struct NamedRange {
  std::int64_t first = 0;
  std::int64_t last = -1;
  bool in_bits = false;
};

Result<std::int64_t> parse_index(std::string_view text) {
  const auto index = parse_i64(text);
  if (!index) return fail(ErrorCode::kNotInteger);
  return *index;
}

Result<bool> parse_unit(std::string_view word) {
  if (iequals(word, "BIT")) return true;
  if (iequals(word, "BYTE")) return false;
  return fail(ErrorCode::kSyntax);
}

/// The bits of `text` that a range names; nullopt when there are none.
std::optional<BitRange> resolve(const NamedRange& range, std::string_view text) {
  const auto total = static_cast<std::int64_t>(range.in_bits ? text.size() * 8 : text.size());
  std::int64_t first = range.first < 0 ? std::max<std::int64_t>(range.first + total, 0) : range.first;
  std::int64_t last = range.last < 0 ? std::max<std::int64_t>(range.last + total, 0) : range.last;
  last = std::min(last, total - 1);
  if (first > last) return std::nullopt;
  if (!range.in_bits) {
    first *= 8;
    last = last * 8 + 7;
  }
  return BitRange{static_cast<std::uint64_t>(first), static_cast<std::uint64_t>(last)};
}

constexpr CommandSpec kBitcount{.name = "bitcount",
                                .arity = at_least(2),
                                .flags = Flag::kReadOnly,
                                .group = Group::kBitmap,
                                .categories = Category::kBitmap,
                                .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
                                .since = "2.6.0",
                                .complexity = "O(N) where N is the number of bytes looked at.",
                                .summary = "Counts the bits that are set in a string value or a part of it.",
                                .syntax = "key [start end [BYTE | BIT]]"};
void bitcount(Context& ctx) {
  NamedRange range;
  const std::size_t argc = ctx.args.size();
  if (argc == 3 || argc > 5) return ctx.error(ErrorCode::kSyntax);
  if (argc >= 4) {
    const auto first = parse_index(ctx.args[2]);
    if (!first) return ctx.error(first.error());
    const auto last = parse_index(ctx.args[3]);
    if (!last) return ctx.error(last.error());
    const auto in_bits = argc == 5 ? parse_unit(ctx.args[4]) : Result<bool>(false);
    if (!in_bits) return ctx.error(in_bits.error());
    range = {*first, *last, *in_bits};
  }
  DecimalBuffer digits;
  const auto text = read_bit_text(ctx, ctx.keys[0], ctx.read_access(), digits);
  if (!text) return ctx.error(text.error());
  if (range.first < 0 && range.last < 0 && range.first > range.last) return ctx.reply.integer(0);
  const auto bits = resolve(range, text->text);
  ctx.reply.integer(bits ? static_cast<std::int64_t>(count_bits(text->text, *bits)) : 0);
}

constexpr CommandSpec kBitpos{.name = "bitpos",
                              .arity = at_least(3),
                              .flags = Flag::kReadOnly,
                              .group = Group::kBitmap,
                              .categories = Category::kBitmap,
                              .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
                              .since = "2.8.7",
                              .complexity = "O(N) where N is the number of bytes looked at.",
                              .summary = "Finds the first bit that is set, or clear, in a string value.",
                              .syntax = "key bit [start [end [BYTE | BIT]]]"};
void bitpos(Context& ctx) {
  const auto bit = parse_index(ctx.args[2]);
  if (!bit) return ctx.error(bit.error());
  if (*bit != 0 && *bit != 1) return ctx.error("The bit argument must be 1 or 0.");
  const Bit wanted = *bit == 1 ? Bit::kSet : Bit::kClear;
  const std::size_t argc = ctx.args.size();
  if (argc > 6) return ctx.error(ErrorCode::kSyntax);
  NamedRange range;
  if (argc >= 4) {
    const auto first = parse_index(ctx.args[3]);
    if (!first) return ctx.error(first.error());
    const auto in_bits = argc == 6 ? parse_unit(ctx.args[5]) : Result<bool>(false);
    if (!in_bits) return ctx.error(in_bits.error());
    const auto last = argc >= 5 ? parse_index(ctx.args[4]) : Result<std::int64_t>(-1);
    if (!last) return ctx.error(last.error());
    range = {*first, *last, *in_bits};
  }
  DecimalBuffer digits;
  const auto text = read_bit_text(ctx, ctx.keys[0], ctx.read_access(), digits);
  if (!text) return ctx.error(text.error());
  if (text->entry == nullptr) return ctx.reply.integer(wanted == Bit::kSet ? -1 : 0);
  const auto bits = resolve(range, text->text);
  if (!bits) return ctx.reply.integer(-1);
  if (const auto at = find_bit(text->text, wanted, *bits)) return ctx.reply.integer(static_cast<std::int64_t>(*at));
  // Without an end the value is thought to go on with zeros.
  const bool padded = wanted == Bit::kClear && argc < 5;
  ctx.reply.integer(padded ? static_cast<std::int64_t>(text->text.size() * 8) : -1);
}

}  // namespace

void register_bit_counts(CommandTable& table) {
  table.add(kBitcount, &bitcount);
  table.add(kBitpos, &bitpos);
}

}  // namespace ashlar::commands
