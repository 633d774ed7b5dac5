/// From a key to its hash slot: CRC16 of the hash tag, modulo 16384.
/// Source: Redis Cluster specification, "Hash tags" and appendix A (CRC16 XMODEM). Thread: any. Cost: 8 bytes a step.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/ids.h"

namespace ashlar {

/// CRC16 CCITT/XMODEM, polynomial 0x1021, start 0.
[[nodiscard]] std::uint16_t crc16(std::string_view bytes) noexcept;
/// What of the key is hashed: the text between the first '{' and the next '}' when that is not empty, else all of it.
[[nodiscard]] std::string_view hash_tag(std::string_view key) noexcept;
[[nodiscard]] SlotId key_slot(std::string_view key) noexcept;

}  // namespace ashlar
