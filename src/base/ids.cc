#include "base/ids.h"

#include <cstddef>
#include <span>

#include "base/rng.h"

namespace ashlar {
namespace {

std::optional<std::uint8_t> hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
  return std::nullopt;
}

}  // namespace

std::optional<NodeId> NodeId::from_hex(std::string_view hex) noexcept {
  if (hex.size() != 40) return std::nullopt;
  NodeId id;
  for (std::size_t i = 0; i < 20; ++i) {
    const auto high = hex_digit(hex[2 * i]);
    const auto low = hex_digit(hex[2 * i + 1]);
    if (!high || !low) return std::nullopt;
    id.bytes_[i] = static_cast<std::uint8_t>(*high << 4 | *low);
  }
  return id;
}

std::string NodeId::hex() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(40);
  for (const std::uint8_t byte : bytes_) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

NodeId draw_node_id(Rng& rng) {
  std::array<std::uint8_t, 20> bytes{};
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng.next() >> 56);
  return NodeId::from_bytes(bytes);
}

NodeId random_node_id() {
  std::array<std::uint8_t, 20> bytes{};
  secure_random(std::as_writable_bytes(std::span(bytes)));
  return NodeId::from_bytes(bytes);
}

}  // namespace ashlar
