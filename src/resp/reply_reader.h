/// Reply bytes -> values, incrementally: feed what arrived, take what is complete. No sockets.
///
/// For every side that receives replies: the command line, MIGRATE, the replication handshake, the gateway.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "resp/value.h"

namespace ashlar::resp {

/// What a peer may send before it counts as broken.
struct ReaderLimits {
  std::uint64_t max_bulk_bytes = 1ULL << 32;  // one bulk, verbatim or bulk error; Redis' proto-max-bulk-len is 512 MiB
  std::uint64_t max_elements = 1ULL << 31;    // of one aggregate; a map counts keys and values
  std::size_t max_line_bytes = std::size_t{1} << 20;  // simple strings, errors, numbers, headers
  std::size_t max_depth = 256;                        // aggregates within aggregates
};

/// Parses RESP2 and RESP3 replies. Thread: one at a time.
/// Invariants: 1. memory follows the bytes fed, never a count or length announced; 2. after an error the reader stays
/// failed;
/// 3. the same bytes give the same values however they are cut.
/// Cost: linear in the bytes fed, one copy of each text.
class ReplyReader {
 public:
  explicit ReplyReader(ReaderLimits limits = {}) : limits_(limits) {}

  /// Appends received bytes.
  void feed(std::string_view bytes);
  /// The next complete value, nullopt while more bytes are needed.
  /// Errors: kProtocol - the bytes are no RESP or exceed a limit; detail says which. The connection is of no more use.
  [[nodiscard]] Result<std::optional<Value>> next();
  /// Bytes fed and not yet part of a value that next() gave out: 0 means that no reply is cut in half.
  [[nodiscard]] std::size_t pending_bytes() const noexcept;
  /// Takes the unread bytes out, for a stream that stops being RESP here (the RDB after +FULLRESYNC). Call between
  /// values.
  [[nodiscard]] std::string take_unread();

 private:
  enum class Role : std::uint8_t { kElement, kAttributes };
  /// An aggregate whose elements are still arriving.
  struct Frame {
    ValueKind kind;
    Role role;
    std::uint64_t remaining;
    Value::Items items;
    Value::Items attributes;  // that came before the aggregate itself
  };
  /// A length-prefixed text whose header was read.
  struct PendingBulk {
    char type;
    std::uint64_t length;
  };

  [[nodiscard]] std::optional<std::string_view> take_line();
  /// Reads one step: a scalar, a header of an aggregate, or a bulk. False when bytes are missing.
  [[nodiscard]] Result<bool> step();
  [[nodiscard]] Result<bool> read_bulk_body();
  [[nodiscard]] Result<void> read_line_item(char type, std::string_view rest);
  [[nodiscard]] Result<void> open_bulk(char type, std::string_view count);
  [[nodiscard]] Result<void> open_aggregate(char type, std::string_view count);
  /// Hands a complete value to the innermost open aggregate, closing those that it completes.
  void complete(Value value);
  void compact();

  ReaderLimits limits_;
  std::string buffer_;
  std::size_t read_ = 0;     // bytes of buffer_ that are used up
  std::size_t scanned_ = 0;  // bytes of buffer_ known to hold no line end, from read_ on
  std::size_t partial_ = 0;  // bytes used up by the value that is still open
  std::optional<PendingBulk> bulk_;
  std::vector<Frame> open_;
  Value::Items attributes_;  // waiting for the value they describe
  std::optional<Value> done_;
  std::optional<Error> failure_;
};

}  // namespace ashlar::resp
