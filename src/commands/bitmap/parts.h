/// The parts of the bitmap commands, each in a file of its own. Thread: registered by one, run by any.
#pragma once

#include <cstdint>
#include <string_view>

#include "command/context.h"
#include "command/table.h"

namespace ashlar::commands {

void register_single_bits(command::CommandTable& table);
void register_bit_counts(command::CommandTable& table);
void register_bitop(command::CommandTable& table);
void register_bitfield(command::CommandTable& table);

/// Longest value that a bit offset of a client may ask for: 512 MB. Source: proto-max-bulk-len of Redis.
inline constexpr std::uint64_t kBitmapBytesMax = 512ULL << 20;

/// A bit offset. Errors: not a number, or behind kBitmapBytesMax unless it comes from a primary or a file.
[[nodiscard]] Result<std::uint64_t> parse_bit_offset(const command::Context& ctx, std::string_view text);
/// The same, where "#n" counts in fields of `width` bits.
[[nodiscard]] Result<std::uint64_t> parse_field_offset(const command::Context& ctx, std::string_view text,
                                                       unsigned width);

/// The string at a key, which may be missing (then it is empty). Errors: wrong type.
struct BitText {
  const command::Entry* entry;
  std::string_view text;
};
[[nodiscard]] Result<BitText> read_bit_text(command::Context& ctx, const command::KeyRef& key, command::Access access,
                                            DecimalBuffer& digits);
/// The bytes of the string at a key, writable and at least `size` long; what is new is zero. `old` has just been read.
[[nodiscard]] char* writable_bits(command::Context& ctx, const command::KeyRef& key, const BitText& old,
                                  std::size_t size);

}  // namespace ashlar::commands
