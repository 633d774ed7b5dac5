#include "cli/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>

#include "base/bytes.h"
#include "cli/quoting.h"
#include "cli/uri.h"

namespace ashlar::cli {
namespace {

enum class Takes : std::uint8_t { kNothing, kValue };

struct Rule {
  std::string_view name;
  Takes takes;
  Result<void> (*apply)(Options& options, const std::string& value);
};

Result<std::uint64_t> number_of(const std::string& value, std::uint64_t max, std::string_view what) {
  const auto number = parse_u64(value);
  if (!number || *number > max) return fail(fmt::format("Invalid {}: '{}'", what, value));
  return *number;
}

Result<Micros> seconds_of(const std::string& value, std::string_view what) {
  const auto seconds = parse_double(value);
  if (!seconds || !std::isfinite(*seconds) || *seconds < 0 || *seconds > 1e9)
    return fail(fmt::format("Invalid {}: '{}'", what, value));
  return Micros(std::llround(*seconds * 1e6));
}

Result<void> set_port(Options& o, const std::string& value) {
  ASH_TRY(const std::uint64_t port, number_of(value, std::numeric_limits<std::uint16_t>::max(), "server port"));
  o.connect.endpoint.port = static_cast<std::uint16_t>(port);
  return {};
}

Result<void> set_database(Options& o, const std::string& value) {
  ASH_TRY(const std::uint64_t n, number_of(value, std::numeric_limits<std::int32_t>::max(), "database number"));
  o.connect.database = static_cast<std::uint32_t>(n);
  return {};
}

Result<void> set_repeat(Options& o, const std::string& value) {
  const auto n = parse_i64(value);
  if (!n) return fail(fmt::format("Invalid repeat count: '{}'", value));
  o.repeat = *n < 0 ? std::nullopt : std::optional(static_cast<std::uint64_t>(*n));
  return {};
}

Result<void> set_interval(Options& o, const std::string& value) {
  ASH_TRY(o.interval, seconds_of(value, "interval"));
  return {};
}

Result<void> set_connect_timeout(Options& o, const std::string& value) {
  ASH_TRY(const Micros timeout, seconds_of(value, "connection timeout"));
  o.connect.connect_timeout = std::chrono::ceil<Millis>(timeout);
  return {};
}

Result<void> set_password(Options& o, const std::string& value) {
  o.connect.password = value;
  o.auth_warning = true;
  return {};
}

Result<void> set_uri(Options& o, const std::string& value) {
  const auto before = std::exchange(o.connect.password, std::nullopt);
  ASH_TRY_VOID(apply_uri(value, o.connect));
  if (o.connect.password) {
    o.auth_warning = true;
  } else {
    o.connect.password = before;
  }
  return {};
}

Result<void> set_stdin_last(Options& o, const std::string&) {
  if (o.stdin_use == StdinUse::kTag) return fail("Options -x and -X are mutually exclusive.");
  o.stdin_use = StdinUse::kLastArgument;
  return {};
}

Result<void> set_stdin_tag(Options& o, const std::string& value) {
  if (o.stdin_use == StdinUse::kLastArgument) return fail("Options -x and -X are mutually exclusive.");
  o.stdin_use = StdinUse::kTag;
  o.stdin_tag = value;
  return {};
}

Result<void> set_json(Options& o, OutputFormat format) {
  o.output = format;
  if (o.resp3 == Resp3::kNo && !o.force_resp2) o.resp3 = Resp3::kIfPossible;
  return {};
}

Result<void> set_quoted_pattern(Options& o, const std::string& value) {
  auto pattern = unquote(value);
  if (!pattern) return fail("Invalid quoted string specified for --quoted-pattern.");
  o.pattern = std::move(*pattern);
  return {};
}

Result<void> set_show_pushes(Options& o, const std::string& value) {
  const char first = value.empty() ? '\0' : to_lower(value.front());
  if (first != 'y' && first != 'n')
    return fail(fmt::format("Unknown --show-pushes value '{}' (valid: '[y]es', '[n]o')", value));
  o.show_pushes = first == 'y';
  return {};
}

Result<void> set_rdb(Options& o, const std::string& value, Mode mode) {
  const bool other = o.mode == (mode == Mode::kRdb ? Mode::kFunctionsRdb : Mode::kRdb);
  if (other) return fail("Option --functions-rdb and --rdb are mutually exclusive.");
  o.mode = mode;
  o.rdb_path = value;
  return {};
}

Result<void> set_pipe_timeout(Options& o, const std::string& value) {
  ASH_TRY(const std::uint64_t n, number_of(value, 1'000'000'000, "pipe timeout"));
  o.pipe_timeout = Seconds(static_cast<Seconds::rep>(n));
  return {};
}

Result<void> set_memory_samples(Options& o, const std::string& value) {
  ASH_TRY(o.memory_samples, number_of(value, std::numeric_limits<std::int64_t>::max(), "number of samples"));
  o.mode = Mode::kMemKeys;
  return {};
}

Result<void> set_scan_count(Options& o, const std::string& value) {
  ASH_TRY(o.scan_count, number_of(value, std::numeric_limits<std::int64_t>::max(), "count"));
  return {};
}

template <Mode mode>
Result<void> set_mode(Options& o, const std::string&) {
  o.mode = mode;
  return {};
}

template <bool Options::* flag>
Result<void> set_flag(Options& o, const std::string&) {
  o.*flag = true;
  return {};
}

template <OutputFormat format>
Result<void> set_output(Options& o, const std::string&) {
  o.output = format;
  return {};
}

constexpr auto kRules = std::to_array<Rule>({
    {"-h", Takes::kValue,
     [](Options& o, const std::string& v) -> Result<void> {
       o.connect.endpoint.host = v;
       return {};
     }},
    {"-p", Takes::kValue, set_port},
    {"-t", Takes::kValue, set_connect_timeout},
    {"-s", Takes::kValue,
     [](Options& o, const std::string& v) -> Result<void> {
       // An endpoint without a path is one of TCP: another server than the one that was meant.
       if (v.empty()) return fail("Option -s needs the path of a socket.");
       o.connect.endpoint.unix_path = v;
       return {};
     }},
    {"-a", Takes::kValue, set_password},
    {"--pass", Takes::kValue, set_password},
    {"--user", Takes::kValue,
     [](Options& o, const std::string& v) -> Result<void> {
       o.connect.user = v;
       return {};
     }},
    {"--askpass", Takes::kNothing, set_flag<&Options::ask_password>},
    {"-u", Takes::kValue, set_uri},
    {"-r", Takes::kValue, set_repeat},
    {"-i", Takes::kValue, set_interval},
    {"-n", Takes::kValue, set_database},
    {"-2", Takes::kNothing,
     [](Options& o, const std::string&) -> Result<void> {
       if (o.resp3 == Resp3::kRequired) return fail("Options -2 and -3 are mutually exclusive.");
       o.force_resp2 = true;
       o.resp3 = Resp3::kNo;
       return {};
     }},
    {"-3", Takes::kNothing,
     [](Options& o, const std::string&) -> Result<void> {
       if (o.force_resp2) return fail("Options -2 and -3 are mutually exclusive.");
       o.resp3 = Resp3::kRequired;
       return {};
     }},
    {"-x", Takes::kNothing, set_stdin_last},
    {"-X", Takes::kValue, set_stdin_tag},
    {"-d", Takes::kValue,
     [](Options& o, const std::string& v) -> Result<void> {
       o.delimiters.element = v;
       return {};
     }},
    {"-D", Takes::kValue,
     [](Options& o, const std::string& v) -> Result<void> {
       o.delimiters.reply = v;
       return {};
     }},
    {"-c", Takes::kNothing, set_flag<&Options::follow_redirects>},
    {"-e", Takes::kNothing, set_flag<&Options::fail_on_error>},
    {"--raw", Takes::kNothing, set_output<OutputFormat::kRaw>},
    {"--no-raw", Takes::kNothing, set_output<OutputFormat::kTyped>},
    {"--csv", Takes::kNothing, set_output<OutputFormat::kCsv>},
    {"--json", Takes::kNothing,
     [](Options& o, const std::string&) { return set_json(o, OutputFormat::kJson); }},
    {"--quoted-json", Takes::kNothing,
     [](Options& o, const std::string&) { return set_json(o, OutputFormat::kQuotedJson); }},
    {"--quoted-input", Takes::kNothing, set_flag<&Options::quoted_input>},
    {"--show-pushes", Takes::kValue, set_show_pushes},
    {"--stat", Takes::kNothing, set_mode<Mode::kStat>},
    {"--latency", Takes::kNothing, set_mode<Mode::kLatency>},
    {"--latency-history", Takes::kNothing, set_mode<Mode::kLatencyHistory>},
    {"--latency-dist", Takes::kNothing, set_mode<Mode::kLatencyDistribution>},
    {"--mono", Takes::kNothing,
     [](Options& o, const std::string&) -> Result<void> {
       o.color = false;
       return {};
     }},
    {"--bigkeys", Takes::kNothing, set_mode<Mode::kBigKeys>},
    {"--memkeys", Takes::kNothing, set_mode<Mode::kMemKeys>},
    {"--memkeys-samples", Takes::kValue, set_memory_samples},
    {"--hotkeys", Takes::kNothing, set_mode<Mode::kHotKeys>},
    {"--scan", Takes::kNothing, set_mode<Mode::kScan>},
    {"--pattern", Takes::kValue,
     [](Options& o, const std::string& v) -> Result<void> {
       o.pattern = v;
       return {};
     }},
    {"--quoted-pattern", Takes::kValue, set_quoted_pattern},
    {"--count", Takes::kValue, set_scan_count},
    {"--pipe", Takes::kNothing, set_mode<Mode::kPipe>},
    {"--pipe-timeout", Takes::kValue, set_pipe_timeout},
    {"--rdb", Takes::kValue, [](Options& o, const std::string& v) { return set_rdb(o, v, Mode::kRdb); }},
    {"--functions-rdb", Takes::kValue,
     [](Options& o, const std::string& v) { return set_rdb(o, v, Mode::kFunctionsRdb); }},
    {"--replica", Takes::kNothing, set_mode<Mode::kReplica>},
    {"--slave", Takes::kNothing, set_mode<Mode::kReplica>},
    {"--verbose", Takes::kNothing, set_flag<&Options::verbose>},
    {"--help", Takes::kNothing, set_mode<Mode::kHelp>},
    {"-v", Takes::kNothing, set_mode<Mode::kVersion>},
    {"--version", Takes::kNothing, set_mode<Mode::kVersion>},
});

/// redis-cli has these and this program has not; saying so is better than "unrecognized".
constexpr std::array<std::string_view, 17> kUnsupported = {
    "--tls",          "--sni",           "--cacert",      "--cacertdir",         "--insecure",
    "--cert",         "--key",           "--tls-ciphers", "--tls-ciphersuites",  "--eval",
    "--ldb",          "--ldb-sync-mode", "--lru-test",    "--intrinsic-latency", "--vset-recall",
    "--word-samples", "--keystats"};

/// These count wherever they stand behind --cluster, also among the words of `call`; the others behind its commands
/// whose arguments cannot look like them.
constexpr std::array<std::string_view, 4> kPasswordOptions = {"-a", "--pass", "--user", "--askpass"};

class Parser {
 public:
  Parser(std::span<const std::string> args, const Surroundings& surroundings) : args_(args) {
    options_.output = surroundings.stdout_is_terminal ? OutputFormat::kTyped : OutputFormat::kRaw;
    options_.show_pushes = surroundings.stdout_is_terminal;
  }

  Result<Options> run(const Surroundings& surroundings) {
    while (at_ < args_.size() && options_.mode != Mode::kHelp && options_.mode != Mode::kVersion) {
      const std::string& word = args_[at_];
      if (word == "--cluster") {
        ASH_TRY_VOID(take_cluster_words());
        break;
      }
      if (!word.starts_with('-')) break;
      if (word.starts_with("--cluster-")) {
        take_early_cluster_option();
      } else {
        ASH_TRY_VOID(take_option());
      }
    }
    if (options_.mode != Mode::kCluster && !early_.empty())
      return fail(fmt::format("Unrecognized option or bad number of args for: '{}'", early_.front()));
    if (options_.mode != Mode::kCluster) options_.command.assign(args_.begin() + static_cast<long>(at_), args_.end());
    if (quiet_) options_.auth_warning = false;
    if (!options_.connect.password) options_.connect.password = surroundings.password;
    return std::move(options_);
  }

 private:
  Result<void> take_option() {
    const std::string& word = args_[at_];
    if (word == "--no-auth-warning") {
      quiet_ = true;
      ++at_;
      return {};
    }
    const bool is_last = at_ + 1 == args_.size();
    if (word == "-h" && is_last) {
      options_.mode = Mode::kHelp;
      ++at_;
      return {};
    }
    if (std::ranges::find(kUnsupported, word) != kUnsupported.end())
      return fail(fmt::format("Option '{}' is not supported by ashlar-cli.", word));
    const auto rule = std::ranges::find(kRules, std::string_view(word), &Rule::name);
    if (rule == kRules.end() || (rule->takes == Takes::kValue && is_last))
      return fail(fmt::format("Unrecognized option or bad number of args for: '{}'", word));
    const bool takes_value = rule->takes == Takes::kValue;
    ASH_TRY_VOID(rule->apply(options_, takes_value ? args_[at_ + 1] : std::string()));
    at_ += takes_value ? 2 : 1;
    return {};
  }

  /// An option of the cluster manager that stands before --cluster, with its values.
  void take_early_cluster_option() {
    do {
      early_.push_back(args_[at_++]);
    } while (at_ < args_.size() && !args_[at_].starts_with('-'));
  }

  Result<void> take_cluster_words() {
    if (options_.mode == Mode::kCommand && at_ + 1 == args_.size())
      return fail("Option --cluster needs a subcommand; see --cluster help.");
    options_.mode = Mode::kCluster;
    ++at_;
    const bool any_words = at_ < args_.size() && iequals(args_[at_], "call");
    while (at_ < args_.size()) {
      const std::string& word = args_[at_];
      const bool about_password = std::ranges::find(kPasswordOptions, word) != kPasswordOptions.end();
      const bool general = !any_words && std::ranges::find(kRules, std::string_view(word), &Rule::name) != kRules.end();
      if (about_password || general || word == "--no-auth-warning" || word == "-u") {
        ASH_TRY_VOID(take_option());
        if (options_.mode == Mode::kHelp || options_.mode == Mode::kVersion) return {};
        if (options_.mode != Mode::kCluster) return fail(fmt::format("Option '{}' does not go with --cluster.", word));
      } else {
        options_.cluster_args.push_back(word);
        ++at_;
      }
    }
    options_.cluster_args.insert(options_.cluster_args.end(), early_.begin(), early_.end());
    return {};
  }

  std::span<const std::string> args_;
  std::size_t at_ = 0;
  Options options_;
  std::vector<std::string> early_;
  bool quiet_ = false;
};

}  // namespace

Result<Options> parse_options(std::span<const std::string> args, const Surroundings& surroundings) {
  return Parser(args, surroundings).run(surroundings);
}

}  // namespace ashlar::cli
