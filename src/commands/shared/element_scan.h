/// What HSCAN, SSCAN and ZSCAN have in common: cursor, options, and a reply whose cursor is known last. Thread: any.
/// Source: SCAN family of Redis 7.4 (NOVALUES).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/error.h"
#include "command/context.h"

namespace ashlar::commands {

/// Whether a command takes NOVALUES.
enum class ScanParts : std::uint8_t { kElements, kPairs };

struct ElementScanOptions {
  std::uint64_t count = 10;  // source: the default of SCAN
  std::optional<std::string_view> pattern;
  bool no_values = false;

  [[nodiscard]] bool fits(std::string_view text) const noexcept { return !pattern || glob_match(*pattern, text); }
};

/// The position that a cursor argument means. Errors: "invalid cursor".
[[nodiscard]] Result<std::uint64_t> parse_scan_cursor(std::string_view text);
/// The options from args[3] on. Errors: syntax, not an integer.
[[nodiscard]] Result<ElementScanOptions> parse_element_scan(std::span<const std::string_view> args, ScanParts parts);

/// Collects the elements of one call, then replies with the next cursor and them.
class ElementScanReply {
 public:
  explicit ElementScanReply(command::Context& ctx) noexcept : ctx_(ctx), encoder_(found_, ctx.reply.version()) {}
  /// Write each element here and count it with added().
  [[nodiscard]] resp::Encoder& elements() noexcept { return encoder_; }
  void added(std::size_t n = 1) noexcept { count_ += n; }
  void finish(std::uint64_t next_position);

 private:
  command::Context& ctx_;
  ByteBuffer found_;
  resp::Encoder encoder_;
  std::size_t count_ = 0;
};

/// The reply for a key that does not exist.
void reply_empty_scan(command::Context& ctx);

}  // namespace ashlar::commands
