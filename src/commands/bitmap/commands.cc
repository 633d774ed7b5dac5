#include "commands/bitmap/commands.h"

#include <algorithm>

#include "commands/bitmap/parts.h"

namespace ashlar::commands {

using namespace command;

void register_bitmap_commands(CommandTable& table) {
  register_single_bits(table);
  register_bit_counts(table);
  register_bitop(table);
  register_bitfield(table);
}

Result<std::uint64_t> parse_bit_offset(const Context& ctx, std::string_view text) {
  return parse_field_offset(ctx, text, 0);
}

Result<std::uint64_t> parse_field_offset(const Context& ctx, std::string_view text, unsigned width) {
  constexpr std::string_view kBad = "bit offset is not an integer or out of range";
  const bool fields = width > 0 && text.starts_with('#');
  const auto number = parse_i64(fields ? text.substr(1) : text);
  if (!number || *number < 0) return fail(std::string(kBad));
  auto offset = static_cast<std::uint64_t>(*number);
  if (fields && __builtin_mul_overflow(offset, std::uint64_t{width}, &offset)) return fail(std::string(kBad));
  // What a primary has done its replica must be able to do; but a file may hold anything.
  constexpr std::uint64_t kUntoldMax = 8 * kBitmapBytesMax;
  const std::uint64_t bytes_max = ctx.session.origin() == Origin::kClient ? kBitmapBytesMax : kUntoldMax;
  if (offset / 8 >= bytes_max) return fail(std::string(kBad));
  return offset;
}

Result<BitText> read_bit_text(Context& ctx, const KeyRef& key, Access access, DecimalBuffer& digits) {
  const Entry* entry = ctx.db.find(key, access);
  if (entry == nullptr) return BitText{nullptr, {}};
  if (!entry->is_string()) return fail(ErrorCode::kWrongType);
  return BitText{entry, entry->text(digits)};
}

char* writable_bits(Context& ctx, const KeyRef& key, const BitText& old, std::size_t size) {
  if (old.entry == nullptr) ctx.db.set(key, {}, keyspace::NoExpiry{});
  return ctx.db.resize(key, std::max(old.text.size(), size));
}

}  // namespace ashlar::commands
