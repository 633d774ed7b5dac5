/// The directives about peers whose values have a grammar of their own: `bind`, `replicaof`,
/// `client-output-buffer-limit` and `maxmemory-clients`.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/bytes.h"
#include "server/config/rewrite.h"
#include "server/config/rows.h"

namespace ashlar::config {
namespace {

constexpr std::size_t kMaxBindAddresses = 16;
constexpr std::array<std::string_view, 3> kClassNames = {"normal", "slave", "pubsub"};  // by ClientClass

[[nodiscard]] std::optional<std::size_t> client_class(std::string_view name) noexcept {
  if (iequals(name, "replica")) return static_cast<std::size_t>(ClientClass::kReplica);
  for (std::size_t i = 0; i < kClassNames.size(); ++i) {
    if (iequals(name, kClassNames[i])) return i;
  }
  return std::nullopt;
}

/// <class> <hard> <soft> <seconds>, any number of times; classes that are not named keep their limits.
Result<void> assign_output_limits(Config& config, std::span<const std::string> arguments, Use) {
  if (arguments.size() == 1 && arguments[0].empty()) arguments = {};
  if (arguments.size() % 4 != 0) return fail("Wrong number of arguments in buffer limit configuration.");
  auto limits = config.clients.output_limits;
  for (std::size_t i = 0; i < arguments.size(); i += 4) {
    const auto which = client_class(arguments[i]);
    if (!which) return fail("Invalid client class specified in buffer limit configuration.");
    const auto hard = parse_memory(arguments[i + 1]);
    const auto soft = parse_memory(arguments[i + 2]);
    const auto seconds = parse_i64(arguments[i + 3]);
    if (!hard || !soft || !seconds || *seconds < 0 || *seconds > static_cast<std::int64_t>(kInt32Max)) {
      return fail("Error in hard, soft or soft_seconds setting in buffer limit configuration.");
    }
    limits[*which] = {*hard, *soft, Seconds(*seconds)};
  }
  config.clients.output_limits = limits;
  return {};
}

std::string format_output_limits(const Config& config) {
  std::string out;
  for (std::size_t i = 0; i < kClassNames.size(); ++i) {
    const OutputBufferLimit& limit = config.clients.output_limits[i];
    out +=
        fmt::format("{}{} {} {} {}", i == 0 ? "" : " ", kClassNames[i], limit.hard, limit.soft, limit.soft_for.count());
  }
  return out;
}

std::vector<RewriteLine> rewrite_output_limits(std::string_view name, const Config& now, const Config& defaults) {
  std::vector<RewriteLine> lines;
  for (std::size_t i = 0; i < kClassNames.size(); ++i) {
    const OutputBufferLimit& limit = now.clients.output_limits[i];
    const std::string_view spelling = i == static_cast<std::size_t>(ClientClass::kReplica) ? "replica" : kClassNames[i];
    lines.push_back({fmt::format("{} {} {} {} {}", name, spelling, memory_with_unit(limit.hard),
                                 memory_with_unit(limit.soft), limit.soft_for.count()),
                     limit != defaults.clients.output_limits[i] ? Force::kYes : Force::kNo});
  }
  return lines;
}

/// Whether a host or address can stand in a configuration file without quotes.
[[nodiscard]] bool is_plain(std::string_view word) noexcept {
  return !word.empty() &&
         std::all_of(word.begin(), word.end(), [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\''; });
}

Result<void> assign_bind(Config& config, std::span<const std::string> arguments, Use) {
  if (arguments.size() > kMaxBindAddresses) return fail("Too many bind addresses specified.");
  if (arguments.size() == 1 && arguments[0].empty()) arguments = {};
  if (!std::all_of(arguments.begin(), arguments.end(), is_plain)) return fail("Invalid bind address");
  config.network.bind.assign(arguments.begin(), arguments.end());
  return {};
}

std::string format_bind(const Config& config) { return fmt::format("{}", fmt::join(config.network.bind, " ")); }

std::vector<RewriteLine> rewrite_bind(std::string_view name, const Config& now, const Config& defaults) {
  if (now.network.bind == defaults.network.bind) return {};
  const std::string addresses = format_bind(now);
  return {{fmt::format("{} {}", name, addresses.empty() ? "\"\"" : addresses), Force::kYes}};
}

/// replicaof <host> <port>, or `no one`.
Result<void> assign_upstream(Config& config, std::span<const std::string> arguments, Use) {
  if (arguments.size() != 2) return fail("wrong number of arguments");
  if (iequals(arguments[0], "no") && iequals(arguments[1], "one")) {
    config.replication.upstream.reset();
    return {};
  }
  if (!is_plain(arguments[0])) return fail("Invalid master host");
  const auto port = parse_u64(arguments[1]);
  if (!port || *port > kPortMax) return fail("Invalid master port");
  config.replication.upstream = Upstream{arguments[0], static_cast<std::uint16_t>(*port)};
  return {};
}

std::string format_upstream(const Config& config) {
  const auto& upstream = config.replication.upstream;
  return upstream ? fmt::format("{} {}", upstream->host, upstream->port) : std::string();
}

/// A cluster node learns its primary from the cluster, so its file must not name one.
std::vector<RewriteLine> rewrite_upstream(std::string_view name, const Config& now, const Config&) {
  const auto& upstream = now.replication.upstream;
  if (now.cluster.enabled || !upstream) return {};
  return {{fmt::format("{} {} {}", name, upstream->host, upstream->port), Force::kYes}};
}

/// <memory> or <percent>%; 0% is no limit, as 0 is.
Result<void> assign_memory_share(Config& config, std::span<const std::string> arguments, Use) {
  const std::string_view text = arguments[0];
  if (const auto bytes = parse_memory(text)) {
    if (*bytes > kInt64Max) return fail(fmt::format("argument must be between -100 and {} inclusive", kInt64Max));
    config.clients.memory_limit = {*bytes, MemoryShare::Unit::kBytes};
    return {};
  }
  const auto percent = text.ends_with('%') ? parse_u64(text.substr(0, text.size() - 1)) : std::nullopt;
  if (!percent) return fail("argument must be a memory or percent value");
  if (*percent > 100) return fail("percentage argument must be less or equal to 100");
  config.clients.memory_limit = {*percent, *percent == 0 ? MemoryShare::Unit::kBytes : MemoryShare::Unit::kPercent};
  return {};
}

std::string format_memory_share(const Config& config) {
  const MemoryShare& limit = config.clients.memory_limit;
  return fmt::format("{}{}", limit.amount, limit.unit == MemoryShare::Unit::kPercent ? "%" : "");
}

std::vector<RewriteLine> rewrite_memory_share(std::string_view name, const Config& now, const Config& defaults) {
  const MemoryShare& limit = now.clients.memory_limit;
  const std::string value =
      limit.unit == MemoryShare::Unit::kPercent ? fmt::format("{}%", limit.amount) : memory_with_unit(limit.amount);
  const bool is_default = format_memory_share(now) == format_memory_share(defaults);
  return {{fmt::format("{} {}", name, value), is_default ? Force::kNo : Force::kYes}};
}

}  // namespace

const Special kOutputLimitRules{Special::Arity::kMany, assign_output_limits, format_output_limits,
                                rewrite_output_limits};
const Special kBindRules{Special::Arity::kMany, assign_bind, format_bind, rewrite_bind};
const Special kUpstreamRules{Special::Arity::kMany, assign_upstream, format_upstream, rewrite_upstream};
const Special kMemoryShareRules{Special::Arity::kOne, assign_memory_share, format_memory_share, rewrite_memory_share};

}  // namespace ashlar::config
