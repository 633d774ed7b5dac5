#include "server/config/live.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "server/config/grammar.h"

namespace ashlar::config {
namespace {

void add_once(std::vector<NameValue>& found, std::string_view name, const Config& config, const Directive& directive) {
  const bool known = std::any_of(found.begin(), found.end(), [&](const NameValue& n) { return iequals(n.name, name); });
  if (!known) found.push_back({std::string(name), format_value(config, directive)});
}

void add_matches(std::vector<NameValue>& found, std::string_view pattern, const Config& config) {
  struct Match {
    std::string_view name;
    const Directive* directive;
  };
  std::vector<Match> matches;
  for (const DirectiveGroup& group : directive_groups()) {
    for (const Directive& directive : group.rows) {
      if (directive.is_hidden) continue;
      for (const std::string_view name : {directive.name, directive.alias_names[0], directive.alias_names[1]}) {
        if (!name.empty() && glob_match(pattern, name, Case::kInsensitive)) matches.push_back({name, &directive});
      }
    }
  }
  std::sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) { return a.name < b.name; });
  for (const Match& match : matches) add_once(found, match.name, config, *match.directive);
}

[[nodiscard]] std::unexpected<Error> refuse(std::string_view name, std::string_view reason) {
  return fail(fmt::format("CONFIG SET failed (possibly related to argument '{}') - {}", name, reason));
}

/// One pair with its row.
struct Setting {
  const Directive* directive = nullptr;
  std::string_view name;  // canonical spelling of the name or alias that was used
  std::string_view value;
};

[[nodiscard]] Result<std::vector<Setting>> resolve(const Config& config, std::span<const NameValue> pairs,
                                                   const SetContext& context) {
  std::vector<Setting> settings;
  for (const NameValue& pair : pairs) {
    const Directive* directive = find_directive(pair.name);
    if (directive == nullptr) {
      return fail(fmt::format("Unknown option or number of arguments for CONFIG SET - '{}'", pair.name));
    }
    if (directive->is_immutable) return refuse(pair.name, "can't set immutable config");
    if (directive->is_protected && !allows(config.security.protected_configs, context.client)) {
      return refuse(pair.name, "can't set protected config");
    }
    if (directive->is_denied_loading && context.data_set == SetContext::DataSet::kLoading) {
      return fail(ErrorCode::kLoading);
    }
    const std::string_view name = spelling_of(*directive, pair.name);
    const bool twice =
        std::any_of(settings.begin(), settings.end(), [&](const Setting& other) { return other.name == name; });
    if (twice) return refuse(pair.name, "duplicate parameter");
    settings.push_back({directive, name, pair.value});
  }
  return settings;
}

}  // namespace

std::vector<NameValue> get(const Config& config, std::span<const std::string> patterns) {
  std::vector<NameValue> found;
  for (const std::string& pattern : patterns) {
    if (pattern.find_first_of("*?[") != std::string::npos) {
      add_matches(found, pattern, config);
    } else if (const Directive* directive = find_directive(pattern)) {
      add_once(found, pattern, config, *directive);
    }
  }
  return found;
}

Result<ChangeSet> plan_set(const Config& config, std::span<const NameValue> pairs, const SetContext& context) {
  ASH_TRY(const std::vector<Setting> settings, resolve(config, pairs, context));
  ChangeSet change{config, {}};
  for (const Setting& setting : settings) {
    const std::vector<std::string> arguments = setting.directive->takes_many()
                                                   ? split_at_blanks(setting.value)
                                                   : std::vector<std::string>{std::string(setting.value)};
    const auto done = assign(change.after, *setting.directive, arguments, Use::kFirst);
    if (!done) return refuse(setting.name, done.error().text());
  }
  for (const Setting& setting : settings) {
    if (format_value(config, *setting.directive) == format_value(change.after, *setting.directive)) continue;
    if (std::find(change.changed.begin(), change.changed.end(), setting.directive) != change.changed.end()) continue;
    change.changed.push_back(setting.directive);
  }
  return change;
}

Result<ChangeSet> set(Config& config, std::span<const NameValue> pairs, const SetContext& context, ApplyHook& hook) {
  ASH_TRY(ChangeSet change, plan_set(config, pairs, context));
  for (std::size_t i = 0; i < change.changed.size(); ++i) {
    auto done = hook.apply(*change.changed[i], change.after);
    if (done) continue;
    // Undone in the opposite order. A hook that cannot go back either has said so in the log; the client reads why.
    for (std::size_t back = i + 1; back-- > 0;) static_cast<void>(hook.apply(*change.changed[back], config));
    return refuse(change.changed[i]->name, done.error().text());
  }
  config = change.after;
  return change;
}

}  // namespace ashlar::config
