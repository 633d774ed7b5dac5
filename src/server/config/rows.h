/// The vocabulary in which the table_*.cc files are written: `integer("port", ASH_BIND(network.port), 0, 65535)`.
/// For those files only.
#pragma once

#include <concepts>
#include <type_traits>

#include "server/config/directive.h"

namespace ashlar::config {

template <typename T>
concept Duration = requires(T t) {
  t.count();
  typename T::period;
};

template <typename T>
[[nodiscard]] Value to_value(const T& member) {
  if constexpr (std::same_as<T, bool>)
    return member;
  else if constexpr (std::same_as<T, std::string>)
    return member;
  else if constexpr (std::same_as<T, std::uint64_t>)
    return member;
  else if constexpr (Duration<T>)
    return static_cast<std::int64_t>(member.count());
  else
    return static_cast<std::int64_t>(member);
}
template <typename T>
void from_value(const Value& value, T& member) {
  std::visit(
      [&member](const auto& v) {
        constexpr bool kIsText = std::same_as<std::remove_cvref_t<decltype(v)>, std::string>;
        if constexpr (std::same_as<T, std::string>) {
          if constexpr (kIsText) member = v;
        } else if constexpr (!kIsText) {
          if constexpr (Duration<T>)
            member = T(static_cast<std::int64_t>(v));
          else
            member = static_cast<T>(v);
        }
      },
      value);
}
/// -1 is how the configuration spells "off" for an optional threshold.
[[nodiscard]] inline Value to_value(const std::optional<Micros>& member) {
  return static_cast<std::int64_t>(member ? member->count() : -1);
}
inline void from_value(const Value& value, std::optional<Micros>& member) {
  const std::int64_t* number = std::get_if<std::int64_t>(&value);
  if (number == nullptr || *number < 0)
    member.reset();
  else
    member = Micros(*number);
}

[[nodiscard]] inline Value to_value(const std::optional<std::uint64_t>& member) {
  return member ? static_cast<std::int64_t>(*member) : std::int64_t{-1};
}
inline void from_value(const Value& value, std::optional<std::uint64_t>& member) {
  const std::int64_t* number = std::get_if<std::int64_t>(&value);
  if (number == nullptr || *number < 0)
    member.reset();
  else
    member = static_cast<std::uint64_t>(*number);
}

/// The member `path` of Config, for instance ASH_BIND(network.port).
#define ASH_BIND(path)                                           \
  ::ashlar::config::Binding {                                    \
    [](const Config& c) -> Value { return to_value(c.path); },   \
        [](Config& c, const Value& v) { from_value(v, c.path); } \
  }

inline constexpr std::uint64_t kInt32Max = std::numeric_limits<std::int32_t>::max();
inline constexpr std::uint64_t kUint32Max = std::numeric_limits<std::uint32_t>::max();
inline constexpr std::uint64_t kInt64Max = std::numeric_limits<std::int64_t>::max();
inline constexpr std::uint64_t kUint64Max = std::numeric_limits<std::uint64_t>::max();
inline constexpr std::uint64_t kPortMax = 65'535;
/// Three centuries: any longer time is meant as "never", and sums of a few stay far from overflow even in microseconds.
inline constexpr std::uint64_t kLongestMillis = 10'000'000'000'000;
inline constexpr std::uint64_t kLongestSeconds = 10'000'000'000;

/// A bound value, or the default text of one that is only kept.
struct Home {
  Binding binding;
  std::string_view kept_default;
  constexpr Home(Binding bound) : binding(bound) {}              // NOLINT: a row reads better without a cast
  constexpr Home(std::string_view text) : kept_default(text) {}  // NOLINT
  constexpr Home(const char* text) : kept_default(text) {}       // NOLINT
};

[[nodiscard]] constexpr Directive yes_no(std::string_view name, Home home) {
  return {.name = name, .kind = Kind::kYesNo, .binding = home.binding, .kept_default = home.kept_default};
}
[[nodiscard]] constexpr Directive integer(std::string_view name, Home home, std::int64_t low, std::uint64_t high) {
  return {.name = name,
          .kind = Kind::kInteger,
          .binding = home.binding,
          .low = low,
          .high = high,
          .kept_default = home.kept_default};
}
[[nodiscard]] constexpr Directive octal(std::string_view name, Home home, std::int64_t low, std::uint64_t high) {
  return {.name = name,
          .kind = Kind::kOctal,
          .binding = home.binding,
          .low = low,
          .high = high,
          .kept_default = home.kept_default};
}
[[nodiscard]] constexpr Directive memory(std::string_view name, Home home, std::int64_t low, std::uint64_t high) {
  return {.name = name,
          .kind = Kind::kMemory,
          .binding = home.binding,
          .low = low,
          .high = high,
          .kept_default = home.kept_default};
}
[[nodiscard]] constexpr Directive choice(std::string_view name, Home home, std::span<const ChoiceName> names) {
  return {.name = name,
          .kind = Kind::kChoice,
          .binding = home.binding,
          .choices = names,
          .kept_default = home.kept_default};
}
[[nodiscard]] constexpr Directive text(std::string_view name, Home home) {
  return {.name = name, .kind = Kind::kText, .binding = home.binding, .kept_default = home.kept_default};
}
[[nodiscard]] constexpr Directive special(std::string_view name, const Special& rules) {
  return {.name = name, .kind = Kind::kSpecial, .special = &rules};
}

/// Number of an enumerator, for the names of choices.
template <typename E>
  requires std::is_enum_v<E>
[[nodiscard]] constexpr std::int64_t number(E value) {
  return static_cast<std::int64_t>(value);
}
inline constexpr std::array<ChoiceName, 3> kAccessNames = {
    {{"no", number(Access::kNo)}, {"yes", number(Access::kYes)}, {"local", number(Access::kLocal)}}};

// Directives with a grammar of their own; each is described where it is defined.
extern const Special kSaveRules;               // special_storage.cc
extern const Special kDirectoryRules;          // special_storage.cc
extern const Special kOutputLimitRules;        // special_clients.cc
extern const Special kMemoryShareRules;        // special_clients.cc
extern const Special kBindRules;               // special_clients.cc
extern const Special kUpstreamRules;           // special_clients.cc
extern const Special kShutdownOnSigintRules;   // special_monitor.cc
extern const Special kShutdownOnSigtermRules;  // special_monitor.cc
extern const Special kEventsRules;             // special_monitor.cc
extern const Special kPercentilesRules;        // special_monitor.cc
extern const Special kOomScoreRules;           // special_monitor.cc

// The groups, in the order of the compatibility page.
[[nodiscard]] std::span<const Directive> process_rows() noexcept;      // table_server.cc
[[nodiscard]] std::span<const Directive> network_rows() noexcept;      // table_server.cc
[[nodiscard]] std::span<const Directive> client_rows() noexcept;       // table_server.cc
[[nodiscard]] std::span<const Directive> security_rows() noexcept;     // table_server.cc
[[nodiscard]] std::span<const Directive> monitor_rows() noexcept;      // table_server.cc
[[nodiscard]] std::span<const Directive> snapshot_rows() noexcept;     // table_data.cc
[[nodiscard]] std::span<const Directive> aof_rows() noexcept;          // table_data.cc
[[nodiscard]] std::span<const Directive> memory_rows() noexcept;       // table_data.cc
[[nodiscard]] std::span<const Directive> encoding_rows() noexcept;     // table_data.cc
[[nodiscard]] std::span<const Directive> replication_rows() noexcept;  // table_cluster.cc
[[nodiscard]] std::span<const Directive> cluster_rows() noexcept;      // table_cluster.cc
[[nodiscard]] std::span<const Directive> tls_rows() noexcept;          // table_cluster.cc

}  // namespace ashlar::config
