/// Replies as bytes, for clients that speak RESP2 or RESP3.
#pragma once

#include <array>
#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string_view>

#include "base/buffer.h"
#include "base/error.h"

namespace ashlar::resp {

/// The protocol a client chose with HELLO.
enum class Version : std::uint8_t { kResp2 = 2, kResp3 = 3 };

/// Whole replies that never change.
inline constexpr std::string_view kReplyOk = "+OK\r\n";
inline constexpr std::string_view kReplyPong = "+PONG\r\n";
inline constexpr std::string_view kReplyQueued = "+QUEUED\r\n";

/// Place of an aggregate whose length is not known yet; from Encoder::begin_*(), for Encoder::end().
struct Deferred {
  std::size_t offset;  // of the gap left for the header, in the output's view
  char type;           // as on the wire
  bool pairs_doubled;  // a map in RESP2: an array of twice the length
};

namespace detail {

struct SmallHeaders {
  static constexpr std::size_t kCount = 128;
  std::array<std::array<char, 8>, kCount> text{};
  constexpr explicit SmallHeaders(char type) {
    for (std::size_t n = 0; n < kCount; ++n) {
      std::size_t at = 0;
      text[n][at++] = type;
      if (n >= 100) text[n][at++] = static_cast<char>('0' + n / 100);
      if (n >= 10) text[n][at++] = static_cast<char>('0' + n / 10 % 10);
      text[n][at++] = static_cast<char>('0' + n % 10);
      text[n][at++] = '\r';
      text[n][at++] = '\n';
    }
  }
  static constexpr std::size_t length(std::size_t n) noexcept { return 4 + (n >= 10 ? 1U : 0U) + (n >= 100 ? 1U : 0U); }
};
inline constexpr SmallHeaders kBulkHeaders{'$'};

/// Copies without a call for the lengths that keys and values mostly have.
inline void copy_short(char* to, const char* from, std::size_t n) noexcept {
  if (n > 32) {
    std::memcpy(to, from, n);
  } else if (n > 16) {
    std::array<char, 16> first;
    std::array<char, 16> last;
    std::memcpy(first.data(), from, 16);
    std::memcpy(last.data(), from + n - 16, 16);
    std::memcpy(to, first.data(), 16);
    std::memcpy(to + n - 16, last.data(), 16);
  } else if (n >= 8) {  // two overlapping words
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::memcpy(&first, from, 8);
    std::memcpy(&last, from + n - 8, 8);
    std::memcpy(to, &first, 8);
    std::memcpy(to + n - 8, &last, 8);
  } else {
    for (std::size_t i = 0; i < n; ++i) to[i] = from[i];
  }
}

}  // namespace detail

/// Writes replies to a ByteBuffer. A reply is one call, or an aggregate header followed by exactly that many replies
/// (two per element for maps and attributes); the caller keeps the count.
///
/// A ceiling keeps a reply that is far too long from filling the memory: once the output is longer, and would have to
/// grow, what follows is dropped and cut() says so. Whoever sets one ends the connection then.
///
/// Thread: the owner of the buffer. Cost: one capacity check a call; nothing allocates but the buffer's growth and
/// error(). What RESP2 lacks is written as the RESP2 reply Redis gives instead.
/// Source: the Redis protocol specification (RESP2 and RESP3).
class Encoder {
 public:
  /// `out` must outlive the encoder.
  explicit Encoder(ByteBuffer& out, Version version = Version::kResp2) noexcept
      : out_(&out), target_(&out), version_(version) {}

  [[nodiscard]] Version version() const noexcept { return version_; }
  void set_version(Version version) noexcept { version_ = version; }
  [[nodiscard]] ByteBuffer& output() noexcept { return *target_; }

  /// Bytes of output; the largest number for none.
  void set_ceiling(std::size_t bytes) noexcept { ceiling_ = bytes; }
  /// Whether something was dropped: the output is no whole reply.
  [[nodiscard]] bool cut() const noexcept { return out_ != target_; }
  /// Writes to the output again; to be called when it has been truncated to where the cut reply began.
  void resume() noexcept {
    out_ = target_;
    dropped_.reset();
  }

  void ok() { raw_short(kReplyOk); }
  /// "+text". Line ends and NUL become blanks, so that no text can forge a second reply.
  void simple(std::string_view text) { line('+', text); }
  /// "-PREFIX text" of the error's table row.
  void error(const Error& error);
  /// An error line of which the caller brings the prefix ("MYERR some text"); cleaned like simple().
  void error_line(std::string_view prefix_and_text) { line('-', prefix_and_text); }
  void integer(std::int64_t value) { number_line(':', value); }
  void bulk(std::string_view bytes);
  /// The decimal digits of `value` as a bulk string.
  void bulk_i64(std::int64_t value);
  /// The null reply: "$-1" or "_".
  void null() { raw_short(version_ == Version::kResp3 ? std::string_view("_\r\n") : std::string_view("$-1\r\n")); }
  /// The null of a command that answers arrays: "*-1" or "_".
  void null_array() {
    raw_short(version_ == Version::kResp3 ? std::string_view("_\r\n") : std::string_view("*-1\r\n"));
  }
  /// ":1" and ":0", or "#t" and "#f".
  void boolean(bool value);
  /// A double: a bulk with format_double() or ",...".
  void number(double value);
  /// Decimal digits of any length with an optional sign: a bulk or "(...".
  void big_number(std::string_view digits);
  /// Text with a three-letter format ("txt", "mkd"): a plain bulk or "=...".
  void verbatim(std::string_view format, std::string_view text);

  void array(std::size_t n) { header('*', n); }
  /// `n` pairs follow.
  void map(std::size_t n) { version_ == Version::kResp3 ? header('%', n) : header('*', 2 * n); }
  void set(std::size_t n) { header(version_ == Version::kResp3 ? '~' : '*', n); }
  /// Out-of-band data; an ordinary array in RESP2.
  void push(std::size_t n) { header(version_ == Version::kResp3 ? '>' : '*', n); }
  /// `n` pairs of attributes follow, then the reply they describe. RESP3 only: RESP2 cannot say it.
  void attribute(std::size_t n) {
    ASH_DCHECK(version_ == Version::kResp3);
    header('|', n);
  }

  /// Aggregates of a length that is known only at the end: begin, the elements, end. They may nest; the innermost ends
  /// first. Nothing may be consumed from the output and the version must not change in between.
  [[nodiscard]] Deferred begin_array() { return begin('*', false); }
  [[nodiscard]] Deferred begin_map() { return version_ == Version::kResp3 ? begin('%', false) : begin('*', true); }
  [[nodiscard]] Deferred begin_set() { return begin(version_ == Version::kResp3 ? '~' : '*', false); }
  /// Puts the header in place: `n` elements, or pairs for a map. Moves the shorter side of the output by a few bytes.
  void end(Deferred deferred, std::size_t n);

  /// Bytes that are complete replies already.
  void raw(std::string_view replies) {
    if (replies.empty()) return;
    std::memcpy(room(replies.size()), replies.data(), replies.size());
    out_->commit(replies.size());
  }

 private:
  static constexpr std::size_t kHeaderRoom = 24;  // type, 20 digits, CRLF

  /// At least `n` writable bytes; commit() them to *out_ afterwards.
  [[nodiscard]] char* room(std::size_t n) {
    if (n > out_->free_back()) [[unlikely]]
      return more_room(n);
    return out_->reserve_back(n);
  }
  [[nodiscard]] char* more_room(std::size_t n);
  /// Up to 8 bytes with one store.
  void raw_short(std::string_view text) {
    char* to = room(8);
    std::memcpy(to, text.data(), text.size());
    out_->commit(text.size());
  }
  template <typename Int>
  static char* put_number(char* to, char type, Int value) noexcept {
    *to++ = type;
    to = std::to_chars(to, to + 20, value).ptr;
    *to++ = '\r';
    *to++ = '\n';
    return to;
  }
  template <typename Int>
  void number_line(char type, Int value) {
    char* to = room(kHeaderRoom);
    if (value >= 0 && value <= 9) [[likely]] {
      to[0] = type;
      to[1] = static_cast<char>('0' + static_cast<char>(value));
      to[2] = '\r';
      to[3] = '\n';
      out_->commit(4);
      return;
    }
    out_->commit(static_cast<std::size_t>(put_number(to, type, value) - to));
  }
  void header(char type, std::size_t n) { number_line(type, n); }
  void line(char type, std::string_view text);
  void bulk_long(std::string_view bytes);
  [[nodiscard]] Deferred begin(char type, bool pairs_doubled);

  ByteBuffer* out_;     // *target_, or *dropped_ once the ceiling was reached
  ByteBuffer* target_;  // never null
  std::unique_ptr<ByteBuffer> dropped_;
  std::size_t ceiling_ = std::numeric_limits<std::size_t>::max();
  Version version_;
};

inline void Encoder::bulk(std::string_view bytes) {
  const std::size_t n = bytes.size();
  if (n >= detail::SmallHeaders::kCount) return bulk_long(bytes);
  char* to = room(detail::SmallHeaders::kCount + 16);
  std::memcpy(to, detail::kBulkHeaders.text[n].data(), 8);
  char* body = to + detail::SmallHeaders::length(n);
  detail::copy_short(body, bytes.data(), n);
  body[n] = '\r';
  body[n + 1] = '\n';
  out_->commit(static_cast<std::size_t>(body + n + 2 - to));
}

}  // namespace ashlar::resp
