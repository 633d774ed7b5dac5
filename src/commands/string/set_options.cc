#include "commands/string/set_options.h"

#include <array>

namespace ashlar::commands {

using command::ArgParser;

namespace {

struct TimeWord {
  std::string_view word;
  TimeForm form;
};
constexpr std::array<TimeWord, 4> kTimeWords = {{
    {"EX", {TimeUnit::kSeconds, TimeBase::kFromNow}},
    {"PX", {TimeUnit::kMillis, TimeBase::kFromNow}},
    {"EXAT", {TimeUnit::kSeconds, TimeBase::kUnixEpoch}},
    {"PXAT", {TimeUnit::kMillis, TimeBase::kUnixEpoch}},
}};

/// Reads `EX seconds` and its kin; false when the next word is something else.
bool take_time(ArgParser& in, ExpiryOption& expiry) {
  for (const TimeWord& t : kTimeWords) {
    if (!in.take(t.word)) continue;
    const bool repeated = expiry.kind == ExpiryOption::Kind::kTime && expiry.form == t.form;
    if (expiry.kind != ExpiryOption::Kind::kNone && !repeated) in.reject();
    expiry = {ExpiryOption::Kind::kTime, t.form, in.text()};
    return true;
  }
  return false;
}

bool take_word(ArgParser& in, std::string_view word, ExpiryOption::Kind kind, ExpiryOption& expiry) {
  if (!in.take(word)) return false;
  if (expiry.kind != ExpiryOption::Kind::kNone && expiry.kind != kind) in.reject();
  expiry.kind = kind;
  return true;
}

bool take_condition(ArgParser& in, std::string_view word, SetCondition condition, SetCondition& present) {
  if (!in.take(word)) return false;
  if (present != SetCondition::kAlways && present != condition) in.reject();
  present = condition;
  return true;
}

}  // namespace

Result<SetOptions> parse_set_options(std::span<const std::string_view> args) {
  SetOptions options;
  ArgParser in(args, 3);
  while (in.more()) {
    if (take_time(in, options.expiry)) continue;
    if (take_condition(in, "NX", SetCondition::kIfMissing, options.condition)) continue;
    if (take_condition(in, "XX", SetCondition::kIfPresent, options.condition)) continue;
    if (in.left() >= 2 && take_condition(in, "IFEQ", SetCondition::kIfEqual, options.condition)) {
      options.comparison = in.text();
      continue;
    }
    if (take_word(in, "KEEPTTL", ExpiryOption::Kind::kKeep, options.expiry)) continue;
    if (in.take("GET")) {
      options.reply_old_value = true;
      continue;
    }
    in.reject();
  }
  if (in.failed()) return std::unexpected(in.error());
  return options;
}

Result<ExpiryOption> parse_getex_options(std::span<const std::string_view> args) {
  ExpiryOption expiry;
  ArgParser in(args, 2);
  while (in.more()) {
    if (take_time(in, expiry)) continue;
    if (take_word(in, "PERSIST", ExpiryOption::Kind::kPersist, expiry)) continue;
    in.reject();
  }
  if (in.failed()) return std::unexpected(in.error());
  return expiry;
}

}  // namespace ashlar::commands
