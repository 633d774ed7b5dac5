#include "command/names.h"

#include <algorithm>
#include <array>
#include <utility>

namespace ashlar::command {
namespace {

constexpr std::pair<Flag, std::string_view> kFlagNames[] = {
    {Flag::kWrite, "write"},
    {Flag::kReadOnly, "readonly"},
    {Flag::kDenyOom, "denyoom"},
    {Flag::kAdmin, "admin"},
    {Flag::kPubSub, "pubsub"},
    {Flag::kNoScript, "noscript"},
    {Flag::kBlocking, "blocking"},
    {Flag::kLoading, "loading"},
    {Flag::kStale, "stale"},
    {Flag::kSkipMonitor, "skip_monitor"},
    {Flag::kSkipSlowlog, "skip_slowlog"},
    {Flag::kAsking, "asking"},
    {Flag::kFast, "fast"},
    {Flag::kNoAuth, "no_auth"},
    {Flag::kMayReplicate, "may_replicate"},
    {Flag::kNoMandatoryKeys, "no_mandatory_keys"},
    {Flag::kNoAsyncLoading, "no_async_loading"},
    {Flag::kNoMulti, "no_multi"},
    {Flag::kAllowBusy, "allow_busy"},
};

struct CategoryRow {
  std::string_view name;
  Category own = Category::kNone;  // named by the command itself
  Flag from = Flag::kNone;         // or follows from these flags
};
constexpr CategoryRow kCategories[] = {
    {"keyspace", Category::kKeyspace},
    {"read", Category::kNone, Flag::kReadOnly},
    {"write", Category::kNone, Flag::kWrite},
    {"set", Category::kSet},
    {"sortedset", Category::kSortedSet},
    {"list", Category::kList},
    {"hash", Category::kHash},
    {"string", Category::kString},
    {"bitmap", Category::kBitmap},
    {"hyperloglog", Category::kHyperLogLog},
    {"geo", Category::kGeo},
    {"stream", Category::kStream},
    {"pubsub", Category::kPubSub, Flag::kPubSub},
    {"admin", Category::kAdmin, Flag::kAdmin},
    {"fast", Category::kNone, Flag::kFast},
    {"slow"},  // whatever is not fast
    {"blocking", Category::kNone, Flag::kBlocking},
    {"dangerous", Category::kDangerous, Flag::kAdmin},
    {"connection", Category::kConnection},
    {"transaction", Category::kTransaction},
    {"scripting", Category::kScripting},
};
constexpr auto kCategoryNames = [] {
  std::array<std::string_view, std::size(kCategories)> names;
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = kCategories[i].name;
  return names;
}();

constexpr std::pair<KeyAction, std::string_view> kActionNames[] = {
    {KeyAction::kAccess, "access"},           {KeyAction::kUpdate, "update"},  {KeyAction::kInsert, "insert"},
    {KeyAction::kDelete, "delete"},           {KeyAction::kNotKey, "not_key"}, {KeyAction::kIncomplete, "incomplete"},
    {KeyAction::kVariable, "variable_flags"},
};

bool has_category(Category set, Category one) {
  return (static_cast<std::uint32_t>(set) & static_cast<std::uint32_t>(one)) != 0;
}

std::string_view access_name(KeyAccess access) {
  switch (access) {
    case KeyAccess::kRO: return "RO";
    case KeyAccess::kRW: return "RW";
    case KeyAccess::kOW: return "OW";
    case KeyAccess::kRM: return "RM";
  }
  return "RW";
}

}  // namespace

bool has_movable_keys(const CommandSpec& spec) noexcept {
  if (spec.is(Flag::kMovableKeys) || spec.extractor != nullptr) return true;
  return std::ranges::any_of(spec.keys, [](const KeySpec& keys) {
    if (keys.begin == KeySpec::Begin::kNone || has(keys.action, KeyAction::kNotKey)) return false;
    return keys.begin != KeySpec::Begin::kIndex || keys.find != KeySpec::Find::kRange;
  });
}

std::vector<std::string_view> flag_names(const CommandSpec& spec) {
  std::vector<std::string_view> names;
  for (const auto& [flag, name] : kFlagNames) {
    if (spec.is(flag)) names.push_back(name);
    if (flag == Flag::kNoMulti && has_movable_keys(spec)) names.push_back("movablekeys");
  }
  return names;
}

std::span<const std::string_view> all_category_names() noexcept { return kCategoryNames; }

std::vector<std::string_view> category_names(const CommandSpec& spec) {
  std::vector<std::string_view> names;
  const bool runs_scripts = has_category(spec.categories, Category::kScripting);
  for (const CategoryRow& row : kCategories) {
    if (row.from == Flag::kReadOnly && runs_scripts) continue;  // who may read may not run programs for that
    const bool slow = row.name == "slow" && !spec.is(Flag::kFast);
    if (slow || has_category(spec.categories, row.own) || spec.is(row.from)) names.push_back(row.name);
  }
  return names;
}

std::vector<std::string_view> key_flag_names(KeyAccess access, KeyAction action) {
  std::vector<std::string_view> names = {access_name(access)};
  for (const auto& [flag, name] : kActionNames) {
    if (has(action, flag)) names.push_back(name);
  }
  return names;
}

}  // namespace ashlar::command
