#include "snapshot/rdb_input.h"

#include <fmt/format.h>
#include <liblzf/lzf.h>

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "snapshot/rdb_format.h"

namespace ashlar::snapshot {
namespace {
constexpr std::size_t kBufferBytes = 64 << 10;
constexpr std::uint64_t kGrowStep = 1 << 20;
}  // namespace

RdbInput::RdbInput(ByteSource& source, const RdbLimits& limits)
    : source_(source), limits_(limits), buffer_(kBufferBytes) {}

std::unexpected<Error> RdbInput::corrupt(std::string_view what, std::uint64_t offset) {
  return fail(ErrorCode::kCorrupt, fmt::format("{} at offset {}", what, offset));
}

void RdbInput::fold_crc() noexcept {
  crc_ = crc64(crc_, std::string_view(buffer_.data() + folded_, position_ - folded_));
  folded_ = position_;
}

std::uint64_t RdbInput::crc() noexcept {
  fold_crc();
  return crc_;
}

Result<bool> RdbInput::refill() {
  fold_crc();
  base_ += filled_;
  filled_ = position_ = folded_ = 0;
  ASH_TRY(filled_, source_.read(buffer_));
  return filled_ > 0;
}

Result<bool> RdbInput::at_end() {
  if (position_ < filled_) return false;
  ASH_TRY(const bool more, refill());
  return !more;
}

Result<std::uint8_t> RdbInput::byte() {
  if (position_ == filled_) [[unlikely]] {
    ASH_TRY(const bool more, refill());
    if (!more) return corrupt("unexpected end of data", offset());
  }
  return static_cast<std::uint8_t>(buffer_[position_++]);
}

Result<void> RdbInput::exact(std::span<char> out) {
  while (!out.empty()) {
    if (position_ == filled_) {
      ASH_TRY(const bool more, refill());
      if (!more) {
        return corrupt(fmt::format("unexpected end of data, {} bytes are missing", out.size()), offset());
      }
    }
    const std::size_t n = std::min(out.size(), filled_ - position_);
    std::memcpy(out.data(), buffer_.data() + position_, n);
    position_ += n;
    out = out.subspan(n);
  }
  return {};
}

Result<RdbInput::Prefix> RdbInput::prefix() {
  const std::uint64_t at = offset();
  ASH_TRY(const std::uint8_t first, byte());
  switch (first & 0xC0) {
    case rdb::kLen6: return Prefix{false, first};
    case rdb::kLen14: {
      ASH_TRY(const std::uint8_t second, byte());
      return Prefix{false, static_cast<std::uint64_t>(first & 0x3F) << 8 | second};
    }
    case rdb::kSpecial: return Prefix{true, static_cast<std::uint64_t>(first & 0x3F)};
    default: break;
  }
  char bytes[8];
  if (first == rdb::kLen32) {
    ASH_TRY_VOID(exact({bytes, 4}));
    return Prefix{false, load_be<std::uint32_t>(bytes)};
  }
  if (first == rdb::kLen64) {
    ASH_TRY_VOID(exact({bytes, 8}));
    return Prefix{false, load_be<std::uint64_t>(bytes)};
  }
  return corrupt(fmt::format("unknown length form 0x{:02x}", first), at);
}

Result<std::uint64_t> RdbInput::length() {
  const std::uint64_t at = offset();
  ASH_TRY(const Prefix p, prefix());
  if (p.special) return corrupt("a length is expected, not a string", at);
  return p.value;
}

Result<std::int64_t> RdbInput::special_integer(std::uint64_t form) {
  char bytes[4];
  switch (form) {
    case rdb::kInt8: ASH_TRY_VOID(exact({bytes, 1})); return static_cast<std::int8_t>(bytes[0]);
    case rdb::kInt16: ASH_TRY_VOID(exact({bytes, 2})); return static_cast<std::int16_t>(load_le<std::uint16_t>(bytes));
    case rdb::kInt32: ASH_TRY_VOID(exact({bytes, 4})); return static_cast<std::int32_t>(load_le<std::uint32_t>(bytes));
    default: return corrupt(fmt::format("unknown string form {}", form), offset());
  }
}

Result<void> RdbInput::check_size(std::uint64_t size, std::uint64_t offset) const {
  if (size <= limits_.string_bytes_max) return {};
  return corrupt(fmt::format("string of {} bytes is longer than the limit of {}", size, limits_.string_bytes_max),
                 offset);
}

Result<void> RdbInput::plain(std::uint64_t size, std::string& out) {
  ASH_TRY_VOID(check_size(size, offset()));
  out.clear();
  while (out.size() < size) {
    const std::size_t had = out.size();
    out.resize(had + std::min(kGrowStep, size - had));
    ASH_TRY_VOID(exact(std::span(out).subspan(had)));
  }
  return {};
}

Result<void> RdbInput::compressed(std::string& out) {
  const std::uint64_t at = offset();
  ASH_TRY(const std::uint64_t packed_size, length());
  ASH_TRY(const std::uint64_t size, length());
  ASH_TRY_VOID(check_size(packed_size, at));
  ASH_TRY_VOID(check_size(size, at));
  constexpr std::uint64_t kMost = UINT32_MAX;  // what the library counts in
  if (size == 0 || packed_size == 0 || size / rdb::kLzfMaxRatio > packed_size || size > kMost || packed_size > kMost) {
    return corrupt(fmt::format("compressed string of {} bytes cannot hold {}", packed_size, size), at);
  }
  ASH_TRY_VOID(plain(packed_size, packed_));
  out.resize(size);
  const unsigned n = ::lzf_decompress(packed_.data(), static_cast<unsigned>(packed_.size()), out.data(),
                                      static_cast<unsigned>(out.size()));
  if (n != size) return corrupt("compressed string does not unpack to its announced size", at);
  return {};
}

Result<void> RdbInput::string(std::string& out) {
  ASH_TRY(const Prefix p, prefix());
  if (!p.special) return plain(p.value, out);
  if (p.value == rdb::kLzf) return compressed(out);
  ASH_TRY(const std::int64_t number, special_integer(p.value));
  DecimalBuffer digits;
  out = format_i64(number, digits);
  return {};
}

Result<std::variant<std::int64_t, std::string>> RdbInput::string_or_integer() {
  ASH_TRY(const Prefix p, prefix());
  if (p.special && p.value != rdb::kLzf) {
    ASH_TRY(const std::int64_t number, special_integer(p.value));
    return std::variant<std::int64_t, std::string>(number);
  }
  std::string text;
  if (p.special) {
    ASH_TRY_VOID(compressed(text));
  } else {
    ASH_TRY_VOID(plain(p.value, text));
  }
  return std::variant<std::int64_t, std::string>(std::move(text));
}

Result<void> RdbInput::skip_string() {
  std::string ignored;
  return string(ignored);
}

}  // namespace ashlar::snapshot
