/// What values are asked for: a text with what the encodings want to know of it; and how walks end early.
/// Thread: one; lives for one operation.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

#include "base/bytes.h"
#include "ds/packed_item.h"
#include "ds/seeded_hash.h"

namespace ashlar::keyspace {

/// A member or field to look for, to add or to remove. Works out what the encodings ask for (the integer it spells, its
/// hash) once, when first asked. Refers to the text it was made from. Not copied: it may refer to itself.
class LookupText {
 public:
  explicit LookupText(std::string_view text) noexcept : text_(text) {}
  explicit LookupText(const ds::PackedValue& value) noexcept : text_(value.text(digits_)) {
    if (!value.is_integer()) return;
    integer_ = value.integer();
    parsed_ = true;
  }
  LookupText(const LookupText&) = delete;
  LookupText& operator=(const LookupText&) = delete;

  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  /// The integer that the text spells canonically.
  [[nodiscard]] const std::optional<std::int64_t>& integer() const noexcept {
    if (!parsed_) {
      integer_ = parse_i64(text_);
      parsed_ = true;
    }
    return integer_;
  }
  [[nodiscard]] std::uint64_t hash() const noexcept {
    if (!hash_) hash_ = ds::seeded_hash(text_);
    return *hash_;
  }
  [[nodiscard]] ds::PackedItem item() const noexcept {
    return parsed_ && integer_ ? ds::PackedItem(*integer_) : ds::PackedItem(text_);
  }

 private:
  DecimalBuffer digits_;
  std::string_view text_;
  mutable std::optional<std::int64_t> integer_;
  mutable bool parsed_ = false;
  mutable std::optional<std::uint64_t> hash_;
};

namespace detail {
/// Calls a visitor that returns nothing (go on) or whether to go on.
template <typename Visit, typename... Args>
[[nodiscard]] bool visit_goes_on(Visit& visit, const Args&... args) {
  if constexpr (std::is_same_v<std::invoke_result_t<Visit&, const Args&...>, bool>) {
    return visit(args...);
  } else {
    visit(args...);
    return true;
  }
}
}  // namespace detail

}  // namespace ashlar::keyspace
