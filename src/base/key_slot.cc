#include "base/key_slot.h"

#include <array>
#include <cstring>

namespace ashlar {
namespace {

// kTables[k][b]: CRC of byte b followed by k zero bytes, so that eight bytes fold in one step (slicing by 8).
constexpr auto kTables = [] {
  std::array<std::array<std::uint16_t, 256>, 8> t{};
  for (unsigned b = 0; b < 256; ++b) {
    auto crc = static_cast<std::uint16_t>(b << 8);
    for (int bit = 0; bit < 8; ++bit) crc = static_cast<std::uint16_t>((crc << 1) ^ ((crc & 0x8000) ? 0x1021 : 0));
    t[0][b] = crc;
  }
  for (unsigned k = 1; k < 8; ++k) {
    for (unsigned b = 0; b < 256; ++b) {
      const std::uint16_t previous = t[k - 1][b];
      t[k][b] = static_cast<std::uint16_t>((previous << 8) ^ t[0][previous >> 8]);
    }
  }
  return t;
}();

}  // namespace

std::uint16_t crc16(std::string_view bytes) noexcept {
  std::uint16_t crc = 0;
  const auto* p = reinterpret_cast<const unsigned char*>(bytes.data());
  std::size_t n = bytes.size();
  for (; n >= 8; n -= 8, p += 8) {
    crc = static_cast<std::uint16_t>(kTables[7][p[0] ^ (crc >> 8)] ^ kTables[6][p[1] ^ (crc & 0xFF)] ^
                                     kTables[5][p[2]] ^ kTables[4][p[3]] ^ kTables[3][p[4]] ^ kTables[2][p[5]] ^
                                     kTables[1][p[6]] ^ kTables[0][p[7]]);
  }
  for (; n > 0; --n, ++p) crc = static_cast<std::uint16_t>((crc << 8) ^ kTables[0][(crc >> 8) ^ *p]);
  return crc;
}

std::string_view hash_tag(std::string_view key) noexcept {
  const void* open = std::memchr(key.data(), '{', key.size());
  if (open == nullptr) return key;
  const auto start = static_cast<std::size_t>(static_cast<const char*>(open) - key.data()) + 1;
  const auto end = key.find('}', start);
  if (end == std::string_view::npos || end == start) return key;
  return key.substr(start, end - start);
}

SlotId key_slot(std::string_view key) noexcept { return SlotId::wrap(crc16(hash_tag(key))); }

}  // namespace ashlar
