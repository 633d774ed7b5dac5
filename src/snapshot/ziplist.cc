#include "snapshot/ziplist.h"

#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace ashlar::snapshot {
namespace {

constexpr std::size_t kHeader = 10;
constexpr std::uint8_t kEnd = 0xFF;
constexpr std::uint8_t kLongPrevious = 0xFE;
constexpr std::uint16_t kCountUnknown = 0xFFFF;

std::int64_t signed_le(const char* at, std::size_t bytes) noexcept {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < bytes; ++i) bits |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(at[i])) << 8 * i;
  const unsigned unused = static_cast<unsigned>(64 - 8 * bytes);
  return static_cast<std::int64_t>(bits << unused) >> unused;
}

/// A value and how many bytes it takes, read from bytes that nobody has checked.
struct Value {
  ds::PackedValue value;
  std::size_t bytes;
};

std::optional<Value> read_text(std::string_view rest, std::size_t head, std::size_t size) noexcept {
  if (rest.size() < head || rest.size() - head < size) return std::nullopt;
  return Value{ds::PackedValue(rest.substr(head, size)), head + size};
}

std::optional<Value> read_number(std::string_view rest, std::size_t bytes) noexcept {
  if (rest.size() < 1 + bytes) return std::nullopt;
  return Value{ds::PackedValue(signed_le(rest.data() + 1, bytes)), 1 + bytes};
}

std::optional<Value> read_value(std::string_view rest) noexcept {
  if (rest.empty()) return std::nullopt;
  const auto byte = [&](std::size_t i) { return std::size_t{static_cast<std::uint8_t>(rest[i])}; };
  const std::size_t b = byte(0);
  switch (b >> 6) {
    case 0: return read_text(rest, 1, b);
    case 1: return rest.size() < 2 ? std::nullopt : read_text(rest, 2, (b & 63) << 8 | byte(1));
    case 2: return b != 0x80 || rest.size() < 5 ? std::nullopt : read_text(rest, 5, load_be<std::uint32_t>(&rest[1]));
    default: break;
  }
  switch (b) {
    case 0xC0: return read_number(rest, 2);
    case 0xD0: return read_number(rest, 4);
    case 0xE0: return read_number(rest, 8);
    case 0xF0: return read_number(rest, 3);
    case 0xFE: return read_number(rest, 1);
    default: break;
  }
  if (b < 0xF1 || b > 0xFD) return std::nullopt;
  return Value{ds::PackedValue(static_cast<std::int64_t>(b) - 0xF1), 1};
}

std::unexpected<Error> corrupt(std::size_t offset) {
  return fail(ErrorCode::kCorrupt, "bad ziplist at byte " + std::to_string(offset));
}

}  // namespace

Result<ds::Listpack> listpack_of_ziplist(std::string_view blob) {
  if (blob.size() < kHeader + 1 || blob.size() > ds::Listpack::kBytesMax) return corrupt(0);
  if (load_le<std::uint32_t>(blob.data()) != blob.size()) return corrupt(0);
  const std::size_t end = blob.size() - 1;
  if (static_cast<std::uint8_t>(blob[end]) != kEnd) return corrupt(end);

  ds::Listpack out;
  std::size_t at = kHeader;
  std::size_t previous = 0;    // bytes of the entry before
  std::size_t last = kHeader;  // offset of the last entry; of the end mark when there is none
  std::size_t count = 0;
  while (at != end) {
    const auto first = static_cast<std::uint8_t>(blob[at]);
    if (first == kEnd) return corrupt(at);
    const std::size_t head = first == kLongPrevious ? 5 : 1;
    if (end - at < head) return corrupt(at);
    const std::size_t claimed = head == 5 ? load_le<std::uint32_t>(blob.data() + at + 1) : first;
    if (claimed != previous) return corrupt(at);
    const auto entry = read_value(blob.substr(at + head, end - at - head));
    if (!entry) return corrupt(at);
    const ds::PackedItem item(entry->value);
    if (!out.has_room(item.entry_bytes())) return corrupt(at);
    out.append(item);
    last = at;
    previous = head + entry->bytes;
    at += previous;
    ++count;
  }
  if (load_le<std::uint32_t>(blob.data() + 4) != last) return corrupt(4);
  const auto claimed = load_le<std::uint16_t>(blob.data() + 8);
  if (claimed != kCountUnknown && claimed != count) return corrupt(8);
  return out;
}

}  // namespace ashlar::snapshot
