#include "server/config/directive.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"
#include "server/config/rewrite.h"
#include "server/config/rows.h"

namespace ashlar::config {
namespace {

constexpr std::array<std::string_view, 4> kFileOnlyNames = {"include", "rename-command", "user", "loadmodule"};
constexpr std::uint16_t kMinHz = 1;
constexpr std::uint16_t kMaxHz = 500;
constexpr std::uint64_t kMinBacklog = 16 * 1024;  // bytes

[[nodiscard]] bool in_range(const Directive& directive, std::int64_t number) noexcept {
  if (number < directive.low) return false;
  return number < 0 || static_cast<std::uint64_t>(number) <= directive.high;
}

[[nodiscard]] std::string range_text(const Directive& directive) {
  if (directive.kind == Kind::kOctal) {
    return fmt::format("argument must be between {:o} and {:o} inclusive", directive.low, directive.high);
  }
  return fmt::format("argument must be between {} and {} inclusive", directive.low, directive.high);
}

[[nodiscard]] std::optional<std::int64_t> parse_octal(std::string_view text) noexcept {
  if (text.empty() || text.size() > 20) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '7') return std::nullopt;
    value = value * 8 + (c - '0');
  }
  return value;
}

/// Whether `text` is a well-formed amount of memory that 64 bits cannot hold.
[[nodiscard]] bool is_too_much_memory(std::string_view text) {
  const auto unit = text.find_first_not_of("0123456789");
  if (unit == 0 || text.empty()) return false;
  return parse_memory("1" + std::string(unit == std::string_view::npos ? "" : text.substr(unit))).has_value();
}

[[nodiscard]] Result<Value> parse_choice(const Directive& directive, std::string_view text) {
  std::string names;
  for (const ChoiceName& choice : directive.choices) {
    if (iequals(choice.name, text)) return Value(choice.value);
    names += fmt::format("{}{}", names.empty() ? "" : ", ", choice.name);
  }
  return fail("argument(s) must be one of the following: " + names);
}

[[nodiscard]] Result<Value> parse_number(const Directive& directive, std::string_view text) {
  if (directive.kind == Kind::kMemory) {
    const auto bytes = parse_memory(text);
    if (!bytes) return fail(is_too_much_memory(text) ? range_text(directive) : "argument must be a memory value");
    if (*bytes < static_cast<std::uint64_t>(directive.low) || *bytes > directive.high)
      return fail(range_text(directive));
    return Value(*bytes);
  }
  const bool octal = directive.kind == Kind::kOctal;
  const auto number = octal ? parse_octal(text) : parse_i64(text);
  if (!number) {
    return fail(octal ? "argument couldn't be parsed as an octal number"
                      : "argument couldn't be parsed into an integer");
  }
  if (!in_range(directive, *number)) return fail(range_text(directive));
  return Value(*number);
}

/// The value that `text` spells. Errors: why it is none, as Redis words it.
[[nodiscard]] Result<Value> parse_value(const Directive& directive, std::string_view text) {
  switch (directive.kind) {
    case Kind::kYesNo:
      if (iequals(text, "yes")) return Value(true);
      if (iequals(text, "no")) return Value(false);
      return fail("argument must be 'yes' or 'no'");
    case Kind::kInteger:
    case Kind::kOctal:
    case Kind::kMemory: return parse_number(directive, text);
    case Kind::kChoice: return parse_choice(directive, text);
    case Kind::kText: return Value(std::string(text));
    case Kind::kSpecial: break;
  }
  ASH_CHECK(false);
}

[[nodiscard]] std::string number_text(const Value& value) {
  return std::visit(
      [](const auto& v) -> std::string {
        if constexpr (std::same_as<std::remove_cvref_t<decltype(v)>, std::string>)
          return v;
        else
          return fmt::format("{}", v);
      },
      value);
}

[[nodiscard]] std::string print_value(const Directive& directive, const Value& value) {
  switch (directive.kind) {
    case Kind::kYesNo: return std::get<bool>(value) ? "yes" : "no";
    case Kind::kChoice:
      for (const ChoiceName& choice : directive.choices) {
        if (choice.value == std::get<std::int64_t>(value)) return std::string(choice.name);
      }
      return "unknown";
    case Kind::kOctal: return fmt::format("{:o}", std::get<std::int64_t>(value));
    default: return number_text(value);
  }
}

/// Bounds that do not refuse a value but move it.
void clamp(Config& config) noexcept {
  config.process.hz = std::clamp<std::uint32_t>(config.process.hz, kMinHz, kMaxHz);
  config.replication.backlog_size = std::max(config.replication.backlog_size, kMinBacklog);
}

}  // namespace

std::array<DirectiveGroup, 12> directive_groups() noexcept {
  return {{{"Process and log", process_rows()},
           {"Network", network_rows()},
           {"Clients", client_rows()},
           {"Security", security_rows()},
           {"Watching the server", monitor_rows()},
           {"Snapshots", snapshot_rows()},
           {"Append-only file", aof_rows()},
           {"Memory", memory_rows()},
           {"Encodings", encoding_rows()},
           {"Replication", replication_rows()},
           {"Cluster", cluster_rows()},
           {"TLS", tls_rows()}}};
}

std::string_view spelling_of(const Directive& directive, std::string_view name) noexcept {
  for (const std::string_view alias : directive.alias_names) {
    if (!alias.empty() && iequals(alias, name)) return alias;
  }
  return directive.name;
}

const Directive* find_directive(std::string_view name) noexcept {
  if (name.empty()) return nullptr;
  for (const DirectiveGroup& group : directive_groups()) {
    for (const Directive& directive : group.rows) {
      if (iequals(spelling_of(directive, name), name)) return &directive;
    }
  }
  return nullptr;
}

std::string_view nearest_name(std::string_view name) {
  constexpr std::size_t kLongestName = 64;  // bounds the work on what may be any line of a file
  if (name.empty() || name.size() > kLongestName) return {};
  const std::string wanted = to_lower(name);
  std::string_view best;
  std::size_t best_distance = std::min<std::size_t>(3, wanted.size() / 2) + 1;
  const auto consider = [&](std::string_view candidate) {
    if (candidate.empty()) return;
    const std::size_t distance = edit_distance(wanted, candidate);
    if (distance == 0 || distance >= best_distance) return;
    best = candidate;
    best_distance = distance;
  };
  for (const DirectiveGroup& group : directive_groups()) {
    for (const Directive& directive : group.rows) {
      if (directive.is_hidden) continue;
      consider(directive.name);
      for (const std::string_view alias : directive.alias_names) consider(alias);
    }
  }
  for (const std::string_view candidate : kFileOnlyNames) consider(candidate);
  return best;
}

Result<void> assign(Config& config, const Directive& directive, std::span<const std::string> arguments, Use use) {
  if (!directive.takes_many() && arguments.size() != 1) return fail("wrong number of arguments");
  if (directive.special != nullptr) return directive.special->assign(config, arguments, use);
  ASH_TRY(const Value value, parse_value(directive, arguments[0]));
  if (directive.problem != nullptr) {
    const std::string_view problem = directive.problem(value);
    if (!problem.empty()) return fail(std::string(problem));
  }
  if (directive.binding.set == nullptr) {
    config.kept.insert_or_assign(std::string(directive.name), print_value(directive, value));
  } else {
    directive.binding.set(config, value);
    clamp(config);
  }
  return {};
}

std::string format_value(const Config& config, const Directive& directive) {
  if (directive.special != nullptr) return directive.special->format(config);
  if (directive.binding.get != nullptr) return print_value(directive, directive.binding.get(config));
  const auto kept = config.kept.find(directive.name);
  return kept == config.kept.end() ? std::string(directive.kept_default) : kept->second;
}

std::vector<RewriteLine> rewrite_lines(const Directive& directive, const Config& now, const Config& defaults) {
  if (directive.special != nullptr) return directive.special->rewrite(directive.name, now, defaults);
  const std::string value = format_value(now, directive);
  const Force force = value == format_value(defaults, directive) ? Force::kNo : Force::kYes;
  if (directive.kind == Kind::kMemory) {
    return {{fmt::format("{} {}", directive.name, memory_with_unit(parse_u64(value).value_or(0))), force}};
  }
  if (directive.kind != Kind::kText) return {{fmt::format("{} {}", directive.name, value), force}};
  if (value.empty() && directive.empty_text == EmptyText::kUnset) return {};
  return {{fmt::format("{} {}", directive.name, ashlar::quoted(value)), force}};
}

Config defaults_of(const Origin& origin) {
  Config config;
  config.origin = origin;
  config.process.threads = origin.default_threads;
  config.snapshot.directory = origin.working_directory;
  return config;
}

}  // namespace ashlar::config
