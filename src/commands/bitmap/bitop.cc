#include <algorithm>
#include <cstring>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "commands/bitmap/parts.h"

namespace ashlar::commands {

using namespace command;

namespace {

enum class BitOp : std::uint8_t { kAnd, kOr, kXor, kNot };

std::optional<BitOp> parse_op(std::string_view word) {
  if (iequals(word, "AND")) return BitOp::kAnd;
  if (iequals(word, "OR")) return BitOp::kOr;
  if (iequals(word, "XOR")) return BitOp::kXor;
  if (iequals(word, "NOT")) return BitOp::kNot;
  return std::nullopt;
}

/// target[i] = combine(target[i], source[i]), eight bytes at a time.
template <typename Combine>
void combine_bytes(std::span<char> target, std::string_view source, Combine&& combine) {
  std::size_t i = 0;
  for (; i + sizeof(std::uint64_t) <= source.size(); i += sizeof(std::uint64_t)) {
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    std::memcpy(&a, target.data() + i, sizeof a);
    std::memcpy(&b, source.data() + i, sizeof b);
    a = combine(a, b);
    std::memcpy(target.data() + i, &a, sizeof a);
  }
  for (; i < source.size(); ++i) {
    target[i] = static_cast<char>(combine(static_cast<std::uint8_t>(target[i]), static_cast<std::uint8_t>(source[i])));
  }
}

/// Folds one more source, which is as long as the target or shorter and goes on with zeros.
void fold(std::span<char> target, BitOp op, std::string_view source) {
  switch (op) {
    case BitOp::kAnd:
      combine_bytes(target, source, [](std::uint64_t a, std::uint64_t b) { return a & b; });
      std::fill(target.begin() + static_cast<std::ptrdiff_t>(source.size()), target.end(), '\0');
      break;
    case BitOp::kOr: combine_bytes(target, source, [](std::uint64_t a, std::uint64_t b) { return a | b; }); break;
    case BitOp::kXor: combine_bytes(target, source, [](std::uint64_t a, std::uint64_t b) { return a ^ b; }); break;
    case BitOp::kNot: combine_bytes(target, source, [](std::uint64_t, std::uint64_t b) { return ~b; }); break;
  }
}

Result<keyspace::OwnedString> combined(Context& ctx, BitOp op) {
  const auto sources = ctx.keys.subspan(1);
  std::vector<DecimalBuffer> digits(sources.size());
  std::vector<std::string_view> texts;
  std::size_t longest = 0;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    ASH_TRY(const BitText text, read_bit_text(ctx, sources[i], ctx.read_access(), digits[i]));
    texts.push_back(text.text);
    longest = std::max(longest, text.text.size());
  }
  keyspace::OwnedString result(keyspace::HeapString::make(texts[0], longest));
  std::memset(result->data() + texts[0].size(), 0, longest - texts[0].size());
  result->size = longest;
  const std::span<char> target(result->data(), longest);
  if (op == BitOp::kNot) fold(target, op, texts[0]);
  for (std::size_t i = 1; i < texts.size(); ++i) fold(target, op, texts[i]);
  return result;
}

constexpr CommandSpec kBitop{
    .name = "bitop",
    .arity = at_least(4),
    .flags = Flag::kWrite | Flag::kDenyOom,
    .group = Group::kBitmap,
    .categories = Category::kBitmap,
    .keys = {one_key(2, KeyAccess::kOW, KeyAction::kUpdate), key_range(3, -1, 1, KeyAccess::kRO, KeyAction::kAccess)},
    .since = "2.6.0",
    .complexity = "O(N) where N is the number of bytes of all sources.",
    .summary = "Stores the bitwise combination of string values.",
    .syntax = "<AND | OR | XOR | NOT> destkey key [key ...]"};
void bitop(Context& ctx) {
  const auto op = parse_op(ctx.args[1]);
  if (!op) return ctx.error(ErrorCode::kSyntax);
  if (*op == BitOp::kNot && ctx.args.size() != 4) {
    return ctx.error("BITOP NOT must be called with a single source key.");
  }
  auto result = combined(ctx, *op);
  if (!result) return ctx.error(result.error());
  const KeyRef& target = ctx.keys[0];
  ctx.reply.integer(static_cast<std::int64_t>((*result)->size));
  if ((*result)->size == 0) {
    if (!ctx.db.erase(target)) return;
    ctx.effects.changed();
    return ctx.notify(EventClass::kGeneric, "del", target);
  }
  ctx.db.put(target, {std::move(*result), keyspace::StringForm::kRaw}, std::nullopt);
  ctx.effects.changed();
  ctx.notify(EventClass::kString, "set", target);
}

}  // namespace

void register_bitop(CommandTable& table) { table.add(kBitop, &bitop); }

}  // namespace ashlar::commands
