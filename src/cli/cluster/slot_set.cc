#include "cli/cluster/slot_set.h"

#include <fmt/format.h>

#include "base/bytes.h"

namespace ashlar::cli::cluster {
namespace {

std::optional<SlotId> parse_slot(std::string_view text) noexcept {
  const auto number = parse_i64(text);
  return number ? SlotId::from(*number) : std::nullopt;
}

}  // namespace

std::optional<SlotRange> parse_slot_range(std::string_view text) noexcept {
  const std::size_t dash = text.find('-');
  const auto first = parse_slot(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : parse_slot(text.substr(dash + 1));
  if (!first || !last || *last < *first) return std::nullopt;
  return SlotRange{*first, *last};
}

SlotSet::SlotSet(std::span<const SlotRange> ranges) {
  for (const SlotRange& range : ranges) add(range);
}

SlotSet SlotSet::full() {
  SlotSet all;
  all.bits_.set();
  return all;
}

void SlotSet::add(const SlotRange& range) {
  for (std::size_t i = range.first.value(); i <= range.last.value(); ++i) bits_.set(i);
}

SlotSet SlotSet::complement() const {
  SlotSet out;
  out.bits_ = ~bits_;
  return out;
}

std::vector<SlotId> SlotSet::slots() const {
  std::vector<SlotId> out;
  out.reserve(size());
  for (std::uint32_t i = 0; i < kSlotCount; ++i) {
    if (bits_.test(i)) out.push_back(SlotId::wrap(i));
  }
  return out;
}

std::vector<SlotRange> SlotSet::ranges() const {
  std::vector<SlotRange> out;
  for (std::uint32_t i = 0; i < kSlotCount; ++i) {
    if (!bits_.test(i)) continue;
    const std::uint32_t first = i;
    while (i + 1 < kSlotCount && bits_.test(i + 1)) ++i;
    out.push_back({SlotId::wrap(first), SlotId::wrap(i)});
  }
  return out;
}

std::string SlotSet::table_text() const {
  std::string out;
  for (const SlotRange& range : ranges()) {
    if (!out.empty()) out += ',';
    out += range.first == range.last ? fmt::format("[{}]", range.first.value())
                                     : fmt::format("[{}-{}]", range.first.value(), range.last.value());
  }
  return out;
}

}  // namespace ashlar::cli::cluster
