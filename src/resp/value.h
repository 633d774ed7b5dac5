/// A RESP reply as a value: what a client, a replication handshake or a MIGRATE link gets back.
///
/// Thread: one at a time. Invariant: kinds that carry text have no items and the other way round. Cost: 56 bytes beside
/// its content; a move copies no content. Depth is bounded by whoever builds values (ReplyReader:
/// ReaderLimits::max_depth), so walking and destroying a value recursively is safe.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace ashlar::resp {

/// What a reply is. Source: RESP2 and RESP3 specifications; the byte that announces each kind on the wire is beside it.
enum class ValueKind : std::uint8_t {
  kNull,       // '_', and RESP2's "$-1" and "*-1"
  kSimple,     // '+'
  kError,      // '-', and '!' (bulk error)
  kInteger,    // ':'
  kBulk,       // '$'
  kVerbatim,   // '='; text without the three-letter format
  kDouble,     // ','; keeps the digits the server sent
  kBool,       // '#'
  kBigNumber,  // '('; decimal digits with an optional '-'
  kArray,      // '*'
  kMap,        // '%'; items are key, value, key, value, ...
  kSet,        // '~'
  kPush,       // '>'; out-of-band data, items as in an array
};

class Value {
 public:
  using Items = std::vector<Value>;

  /// The null value.
  Value() noexcept = default;

  [[nodiscard]] static Value null() noexcept { return {}; }
  [[nodiscard]] static Value simple(std::string text) { return {ValueKind::kSimple, std::move(text)}; }
  /// `text` with its prefix ("ERR no such key"), without the leading '-'.
  [[nodiscard]] static Value error(std::string text) { return {ValueKind::kError, std::move(text)}; }
  [[nodiscard]] static Value bulk(std::string bytes) { return {ValueKind::kBulk, std::move(bytes)}; }
  [[nodiscard]] static Value verbatim(std::array<char, 3> format, std::string text) {
    Value v(ValueKind::kVerbatim, std::move(text));
    v.format_ = format;
    return v;
  }
  /// `digits` is a number in the notation of RESP3 doubles: "1.5", "inf", "-inf", "nan".
  [[nodiscard]] static Value real(std::string digits) { return {ValueKind::kDouble, std::move(digits)}; }
  [[nodiscard]] static Value big_number(std::string digits) { return {ValueKind::kBigNumber, std::move(digits)}; }
  [[nodiscard]] static Value integer(std::int64_t number) { return {ValueKind::kInteger, number}; }
  [[nodiscard]] static Value yes() { return {ValueKind::kBool, std::int64_t{1}}; }
  [[nodiscard]] static Value no() { return {ValueKind::kBool, std::int64_t{0}}; }
  /// `kind` is kArray, kMap, kSet or kPush; for kMap the number of items is even.
  [[nodiscard]] static Value aggregate(ValueKind kind, Items items) { return {kind, std::move(items)}; }
  [[nodiscard]] static Value array(Items items) { return {ValueKind::kArray, std::move(items)}; }

  [[nodiscard]] ValueKind kind() const noexcept { return kind_; }
  [[nodiscard]] bool is_null() const noexcept { return kind_ == ValueKind::kNull; }
  [[nodiscard]] bool is_error() const noexcept { return kind_ == ValueKind::kError; }
  /// True for kArray, kMap, kSet and kPush.
  [[nodiscard]] bool is_aggregate() const noexcept { return std::holds_alternative<Items>(content_); }
  /// True for a simple string that says exactly `word` ("OK", "QUEUED").
  [[nodiscard]] bool is_simple(std::string_view word) const noexcept {
    return kind_ == ValueKind::kSimple && text() == word;
  }

  /// Bytes of kSimple, kError, kBulk, kVerbatim, kDouble and kBigNumber; empty for the others. Lives as long as the
  /// value.
  [[nodiscard]] std::string_view text() const noexcept {
    const auto* s = std::get_if<std::string>(&content_);
    return s ? std::string_view(*s) : std::string_view();
  }
  /// The same by move, which leaves the value with an empty text.
  [[nodiscard]] std::string take_text() noexcept {
    auto* s = std::get_if<std::string>(&content_);
    return s ? std::exchange(*s, {}) : std::string();
  }
  /// Number of a kInteger, 1 or 0 of a kBool; 0 for the others.
  [[nodiscard]] std::int64_t number() const noexcept {
    const auto* n = std::get_if<std::int64_t>(&content_);
    return n ? *n : 0;
  }
  /// Elements of an aggregate; empty for the others. Lives as long as the value.
  [[nodiscard]] const Items& items() const noexcept {
    const auto* i = std::get_if<Items>(&content_);
    return i ? *i : kNoItems;
  }
  /// The same by move.
  [[nodiscard]] Items take_items() noexcept {
    auto* i = std::get_if<Items>(&content_);
    return i ? std::exchange(*i, {}) : Items();
  }
  /// "txt" or "mkd" of a kVerbatim.
  [[nodiscard]] std::string_view format() const noexcept { return {format_.data(), format_.size()}; }

  /// Pairs of the RESP3 attributes ('|') that came before this value; empty when there were none.
  [[nodiscard]] const Items& attributes() const noexcept { return attributes_ ? *attributes_ : kNoItems; }
  void set_attributes(Items pairs) { attributes_ = std::make_shared<const Items>(std::move(pairs)); }

  /// Same kind and content, attributes included.
  [[nodiscard]] bool operator==(const Value& other) const {
    return kind_ == other.kind_ && format_ == other.format_ && content_ == other.content_ &&
           attributes() == other.attributes();
  }

 private:
  using Content = std::variant<std::int64_t, std::string, Items>;
  // The alternatives are built in place: no variant is moved on the way in.
  Value(ValueKind kind, std::int64_t number) noexcept : content_(number), kind_(kind) {}
  Value(ValueKind kind, std::string text) noexcept : content_(std::move(text)), kind_(kind) {}
  Value(ValueKind kind, Items items) noexcept : content_(std::move(items)), kind_(kind) {}

  static const Items kNoItems;

  Content content_{std::int64_t{0}};
  // Immutable once set, and so rare that copies of a value may share it.
  std::shared_ptr<const Items> attributes_;
  ValueKind kind_ = ValueKind::kNull;
  std::array<char, 3> format_{};
};

inline const Value::Items Value::kNoItems{};

}  // namespace ashlar::resp
