/// The elements of RDB bytes, read from a source: bytes, lengths, strings.
///
/// Every announced size is checked before memory is taken for it, and memory grows with the bytes that really arrive
/// (steps of 1 MiB; LZF output at most 88 times its input). Thread: one. Errors: kCorrupt naming the offset, or those
/// of the source. After an error the input is not used again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "keyspace/values/limits.h"
#include "snapshot/byte_stream.h"

namespace ashlar::snapshot {

/// Bounds that the bytes must keep.
struct RdbLimits {
  /// Longest string, key or value: `proto-max-bulk-len`.
  std::uint64_t string_bytes_max = 512ULL << 20;
  /// How collections are to be encoded.
  keyspace::EncodingLimits encoding = {};
  /// Bytes from one report of progress to the next.
  std::uint64_t progress_every = 2 << 20;
};

/// Whose meaning the type codes from 22 on have.
enum class RdbDialect : std::uint8_t { kRedis, kValkey };

class RdbInput {
 public:
  /// `source` must outlive the input.
  RdbInput(ByteSource& source, const RdbLimits& limits);

  /// Bytes consumed so far: the position of the next byte.
  [[nodiscard]] std::uint64_t offset() const noexcept { return base_ + position_; }
  [[nodiscard]] const RdbLimits& limits() const noexcept { return limits_; }
  [[nodiscard]] RdbDialect dialect() const noexcept { return dialect_; }
  void set_dialect(RdbDialect dialect) noexcept { dialect_ = dialect; }
  /// CRC64 of everything consumed so far.
  [[nodiscard]] std::uint64_t crc() noexcept;
  /// Bytes that were read from the source but do not belong to what was consumed. Valid until the next read.
  [[nodiscard]] std::string_view leftover() const noexcept {
    return std::string_view(buffer_.data(), filled_).substr(position_);
  }
  /// True when the source has no further byte.
  [[nodiscard]] Result<bool> at_end();

  [[nodiscard]] Result<std::uint8_t> byte();
  [[nodiscard]] Result<void> exact(std::span<char> out);
  /// A number of bytes or elements.
  [[nodiscard]] Result<std::uint64_t> length();
  /// A string of any form as text; `out` is replaced and its room reused.
  [[nodiscard]] Result<void> string(std::string& out);
  /// The same, but integers stay integers.
  [[nodiscard]] Result<std::variant<std::int64_t, std::string>> string_or_integer();
  /// Reads past a string.
  [[nodiscard]] Result<void> skip_string();

  /// kCorrupt: "<what> at offset <n>".
  [[nodiscard]] static std::unexpected<Error> corrupt(std::string_view what, std::uint64_t offset);

 private:
  /// A length, or one of the special string forms.
  struct Prefix {
    bool special;
    std::uint64_t value;
  };
  [[nodiscard]] Result<Prefix> prefix();
  [[nodiscard]] Result<std::int64_t> special_integer(std::uint64_t form);
  [[nodiscard]] Result<void> plain(std::uint64_t size, std::string& out);
  [[nodiscard]] Result<void> compressed(std::string& out);
  [[nodiscard]] Result<void> check_size(std::uint64_t size, std::uint64_t offset) const;
  /// Reads more; false at the end of the data. Only when the buffer is used up.
  [[nodiscard]] Result<bool> refill();
  void fold_crc() noexcept;

  ByteSource& source_;
  RdbLimits limits_;
  RdbDialect dialect_ = RdbDialect::kRedis;
  std::vector<char> buffer_;
  std::size_t filled_ = 0;
  std::size_t position_ = 0;
  std::size_t folded_ = 0;  // of the buffer, already in crc_
  std::uint64_t base_ = 0;  // offset of buffer_[0]
  std::uint64_t crc_ = 0;
  std::string packed_;  // LZF input, its room reused
};

}  // namespace ashlar::snapshot
