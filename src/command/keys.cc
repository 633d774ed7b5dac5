#include "command/keys.h"

#include <algorithm>
#include <optional>

#include "base/bytes.h"

namespace ashlar::command {
namespace {

using Args = std::span<const std::string_view>;

/// Where the keys of `spec` begin, as an argument index.
std::optional<std::int64_t> find_begin(const KeySpec& spec, Args args) {
  const auto argc = static_cast<std::int64_t>(args.size());
  if (spec.begin == KeySpec::Begin::kIndex) return spec.index;
  if (spec.begin != KeySpec::Begin::kKeyword) return std::nullopt;
  const bool backwards = spec.index < 0;
  std::int64_t i = backwards ? argc + spec.index : spec.index;
  for (; i > 0 && i < argc; i += backwards ? -1 : 1) {
    if (iequals(args[static_cast<std::size_t>(i)], spec.keyword)) return i + 1;
  }
  return std::nullopt;
}

bool append_range(std::int64_t first, std::int64_t last, const KeySpec& spec, Args args,
                  std::vector<KeyPosition>& out) {
  const auto argc = static_cast<std::int64_t>(args.size());
  for (std::int64_t i = first; i <= last && i < argc; i += std::max<std::int64_t>(spec.step, 1)) {
    if (i >= 1) out.push_back({static_cast<std::uint32_t>(i), spec.access, spec.action});
  }
  return last < argc;
}

bool append_keys(const KeySpec& spec, Args args, std::vector<KeyPosition>& out) {
  const auto begin = find_begin(spec, args);
  if (!begin) return true;
  const auto argc = static_cast<std::int64_t>(args.size());
  if (spec.find == KeySpec::Find::kRange) {
    std::int64_t last = *begin + spec.last;
    if (spec.last < 0) {
      last = argc + spec.last;
      if (spec.limit > 1) last = *begin + (argc - *begin) / spec.limit + spec.last;
    }
    return append_range(*begin, last, spec, args, out);
  }
  if (spec.find == KeySpec::Find::kKeyNum) {
    const std::int64_t at = *begin + spec.keynum_index;
    if (at < 1 || at >= argc) return false;
    const auto count = parse_i64(args[static_cast<std::size_t>(at)]);
    const std::int64_t first = *begin + spec.first_key;
    if (!count || *count < 0 || *count > argc) return false;
    if (first + (*count - 1) * spec.step >= argc) return false;  // names no key at all, as in Redis
    return append_range(first, first + (*count - 1) * spec.step, spec, args, out);
  }
  return true;
}

}  // namespace

bool find_keys(const CommandSpec& spec, Args args, std::vector<KeyPosition>& out, NamesWithSlots which) {
  out.clear();
  if (spec.extractor != nullptr) {
    spec.extractor(args, out);
    return true;
  }
  bool ok = true;
  for (const KeySpec& keys : spec.keys) {
    if (keys.begin == KeySpec::Begin::kNone) break;
    if (which == NamesWithSlots::kKeys && has(keys.action, KeyAction::kNotKey)) continue;
    ok &= append_keys(keys, args, out);
  }
  if (spec.variation != nullptr) {
    const KeyUse use = spec.variation(args);
    for (KeyPosition& position : out) {
      position.access = use.access;
      position.action = use.action;
    }
  }
  return ok;
}

LegacyRange legacy_range(const CommandSpec& spec) noexcept {
  LegacyRange range;
  bool any = false;
  for (const KeySpec& keys : spec.keys) {
    if (keys.begin != KeySpec::Begin::kIndex || keys.find != KeySpec::Find::kRange) continue;
    const int last = keys.last < 0 ? keys.last : keys.index + keys.last;
    if (!any) {
      range = {keys.index, last, keys.step};
      any = true;
    } else {
      range.first = std::min<int>(range.first, keys.index);
      const bool from_end = range.last < 0 || last < 0;
      range.last = from_end ? std::min(range.last, last) : std::max(range.last, last);
      range.step = 1;
    }
  }
  return range;
}

}  // namespace ashlar::command
