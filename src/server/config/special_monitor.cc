/// The directives about signals, events and statistics whose values have a grammar of their own.
#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "server/config/rows.h"

namespace ashlar::config {
namespace {

/// One line with the value as CONFIG GET prints it, written when it is not the default.
[[nodiscard]] std::vector<RewriteLine> one_line(std::string_view name, std::string_view value,
                                                std::string_view default_value) {
  return {{fmt::format("{} {}", name, value), value == default_value ? Force::kNo : Force::kYes}};
}

constexpr std::uint8_t bit(ShutdownFlag flag) { return static_cast<std::uint8_t>(flag); }
constexpr std::array<std::pair<std::string_view, std::uint8_t>, 5> kShutdownNames = {
    {{"default", 0},
     {"save", bit(ShutdownFlag::kSave)},
     {"nosave", bit(ShutdownFlag::kNoSave)},
     {"now", bit(ShutdownFlag::kNow)},
     {"force", bit(ShutdownFlag::kForce)}}};

/// Any of the names above, joined.
Result<void> assign_shutdown(std::uint8_t& member, std::span<const std::string> arguments) {
  constexpr std::string_view kNoName = "argument(s) must be one of the following: default, save, nosave, now, force";
  if (arguments.empty()) return fail(std::string(kNoName));
  std::uint8_t flags = 0;
  for (const std::string& argument : arguments) {
    const auto* known = std::find_if(kShutdownNames.begin(), kShutdownNames.end(),
                                     [&](const auto& name) { return iequals(name.first, argument); });
    if (known == kShutdownNames.end()) return fail(std::string(kNoName));
    flags |= known->second;
  }
  constexpr std::uint8_t kBoth = bit(ShutdownFlag::kSave) | bit(ShutdownFlag::kNoSave);
  if ((flags & kBoth) == kBoth) return fail("shutdown options SAVE and NOSAVE can't be used simultaneously");
  member = flags;
  return {};
}

std::string format_shutdown(std::uint8_t flags) {
  std::string out;
  for (const auto& [name, value] : kShutdownNames) {
    if ((flags & value) != 0) out += fmt::format("{}{}", out.empty() ? "" : " ", name);
  }
  return out.empty() ? "default" : out;
}

struct EventLetter {
  char letter;
  EventClass event;
};
/// In the order in which CONFIG GET prints them. "A" stands for those marked so.
constexpr std::array<EventLetter, 10> kAllClasses = {{{'g', EventClass::kGeneric},
                                                      {'$', EventClass::kString},
                                                      {'l', EventClass::kList},
                                                      {'s', EventClass::kSet},
                                                      {'h', EventClass::kHash},
                                                      {'z', EventClass::kSortedSet},
                                                      {'x', EventClass::kExpired},
                                                      {'e', EventClass::kEvicted},
                                                      {'t', EventClass::kStream},
                                                      {'d', EventClass::kModule}}};
constexpr std::array<EventLetter, 4> kOtherClasses = {{{'n', EventClass::kNewKey},
                                                       {'K', EventClass::kKeyspace},
                                                       {'E', EventClass::kKeyevent},
                                                       {'m', EventClass::kKeyMiss}}};
constexpr std::uint32_t bit(EventClass event) { return static_cast<std::uint32_t>(event); }
constexpr std::uint32_t kAll = [] {
  std::uint32_t bits = 0;
  for (const EventLetter& each : kAllClasses) bits |= bit(each.event);
  return bits;
}();

Result<void> assign_events(Config& config, std::span<const std::string> arguments, Use) {
  std::uint32_t events = 0;
  for (const char c : arguments[0]) {
    std::uint32_t found = c == 'A' ? kAll : 0;
    for (const EventLetter& each : kAllClasses) found |= each.letter == c ? bit(each.event) : 0;
    for (const EventLetter& each : kOtherClasses) found |= each.letter == c ? bit(each.event) : 0;
    if (found == 0) return fail("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
    events |= found;
  }
  config.monitor.events = events;
  return {};
}

/// As Redis prints it: 'n' is not shown beside 'A' (it stays in force; CONFIG REWRITE writes it).
std::string format_events(const Config& config) {
  const std::uint32_t events = config.monitor.events;
  const bool all = (events & kAll) == kAll;
  std::string out = all ? "A" : "";
  for (const EventLetter& each : kAllClasses) {
    if (!all && (events & bit(each.event)) != 0) out += each.letter;
  }
  for (const EventLetter& each : kOtherClasses) {
    if (all && each.event == EventClass::kNewKey) continue;
    if ((events & bit(each.event)) != 0) out += each.letter;
  }
  return out;
}

std::vector<RewriteLine> rewrite_events(std::string_view name, const Config& now, const Config&) {
  std::string letters = format_events(now);
  if ((now.monitor.events & bit(EventClass::kNewKey)) != 0 && letters.find('n') == std::string::npos) letters += 'n';
  return {{fmt::format("{} {}", name, ashlar::quoted(letters)), now.monitor.events == 0 ? Force::kNo : Force::kYes}};
}

Result<void> assign_percentiles(Config& config, std::span<const std::string> arguments, Use) {
  if (arguments.size() == 1 && arguments[0].empty()) arguments = {};
  std::vector<double> percentiles;
  for (const std::string& argument : arguments) {
    const auto value = parse_double(argument);
    if (!value) return fail("Invalid latency-tracking-info-percentiles parameters");
    if (!(*value >= 0 && *value <= 100)) {
      return fail("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]");
    }
    percentiles.push_back(*value);
  }
  config.monitor.latency_percentiles = std::move(percentiles);
  return {};
}

/// At most six decimals, no zeros at the end.
std::string format_percentiles(const Config& config) {
  std::string out;
  for (const double value : config.monitor.latency_percentiles) {
    std::string digits = fmt::format("{:f}", value);
    digits.erase(digits.find_last_not_of('0') + 1);
    if (digits.ends_with('.')) digits.pop_back();
    out += fmt::format("{}{}", out.empty() ? "" : " ", digits);
  }
  return out;
}

std::vector<RewriteLine> rewrite_percentiles(std::string_view name, const Config& now, const Config&) {
  const std::string values = format_percentiles(now);
  return {{fmt::format("{} {}", name, values.empty() ? "\"\"" : values), Force::kYes}};
}

constexpr std::string_view kOomScoreName = "oom-score-adj-values";
constexpr std::string_view kOomScoreDefault = "0 200 800";

Result<void> assign_oom_score(Config& config, std::span<const std::string> arguments, Use) {
  if (arguments.size() != 3) return fail("wrong number of arguments");
  std::string canonical;
  for (const std::string& argument : arguments) {
    const auto value = parse_i64(argument);
    if (!value || *value < -2000 || *value > 2000) {
      return fail("Invalid oom-score-adj-values, elements must be between -2000 and 2000.");
    }
    canonical += fmt::format("{}{}", canonical.empty() ? "" : " ", *value);
  }
  config.kept.insert_or_assign(std::string(kOomScoreName), std::move(canonical));
  return {};
}

std::string format_oom_score(const Config& config) {
  const auto kept = config.kept.find(kOomScoreName);
  return kept == config.kept.end() ? std::string(kOomScoreDefault) : kept->second;
}

}  // namespace

const Special kShutdownOnSigintRules{
    Special::Arity::kMany,
    [](Config& c, std::span<const std::string> words, Use) { return assign_shutdown(c.process.on_sigint, words); },
    [](const Config& c) { return format_shutdown(c.process.on_sigint); },
    [](std::string_view name, const Config& now, const Config& defaults) {
      return one_line(name, format_shutdown(now.process.on_sigint), format_shutdown(defaults.process.on_sigint));
    }};
const Special kShutdownOnSigtermRules{
    Special::Arity::kMany,
    [](Config& c, std::span<const std::string> words, Use) { return assign_shutdown(c.process.on_sigterm, words); },
    [](const Config& c) { return format_shutdown(c.process.on_sigterm); },
    [](std::string_view name, const Config& now, const Config& defaults) {
      return one_line(name, format_shutdown(now.process.on_sigterm), format_shutdown(defaults.process.on_sigterm));
    }};
const Special kEventsRules{Special::Arity::kOne, assign_events, format_events, rewrite_events};
const Special kPercentilesRules{Special::Arity::kMany, assign_percentiles, format_percentiles, rewrite_percentiles};
const Special kOomScoreRules{Special::Arity::kMany, assign_oom_score, format_oom_score,
                             [](std::string_view name, const Config& now, const Config&) {
                               return one_line(name, format_oom_score(now), kOomScoreDefault);
                             }};

}  // namespace ashlar::config
