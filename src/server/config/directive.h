/// What is known about one directive: names, kind of value, bounds, and the member of Config that it sets. A row per
/// directive stands in the table_*.cc files; everything else (loading, CONFIG GET/SET/REWRITE, the compatibility page)
/// is driven by rows.
///
/// Thread: constants, any.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "server/config/settings.h"

namespace ashlar::config {

/// A parsed scalar: yes/no, number or text. Choices are the number of their ChoiceName.
using Value = std::variant<bool, std::int64_t, std::uint64_t, std::string>;

enum class Kind : std::uint8_t {
  kYesNo,
  kInteger,
  kOctal,
  kMemory,  // bytes, written with units
  kChoice,  // one of `choices`
  kText,
  kSpecial,  // a grammar of its own: `special`
};

/// How a bound directive reads and writes its member; null for a directive that is only kept (Config::kept).
struct Binding {
  Value (*get)(const Config&) = nullptr;
  void (*set)(Config&, const Value&) = nullptr;
};

struct ChoiceName {
  std::string_view name;
  std::int64_t value = 0;  // several names may share one; the first is printed
};

/// Whether this is the first use of a directive in one load. Lists replace their default then and grow afterwards.
enum class Use : std::uint8_t { kFirst, kAgain };
/// A line of CONFIG REWRITE and whether it is written even when the old file has no line to replace.
enum class Force : std::uint8_t { kNo, kYes };
struct RewriteLine {
  std::string text;
  Force force = Force::kNo;
};

/// The rules of a directive with a grammar of its own.
struct Special {
  enum class Arity : std::uint8_t { kOne, kMany };
  Arity arity = Arity::kMany;
  Result<void> (*assign)(Config&, std::span<const std::string> arguments, Use) = nullptr;
  std::string (*format)(const Config&) = nullptr;  // as CONFIG GET prints it
  /// Lines that say the present value; none: the directive is left out of the file.
  std::vector<RewriteLine> (*rewrite)(std::string_view name, const Config& now, const Config& defaults) = nullptr;
};

/// What an empty text means to CONFIG REWRITE: no value (the line goes away) or a value like any other.
enum class EmptyText : std::uint8_t { kUnset, kValue };

/// One row. The member functions return a changed copy, so that a row reads as a sentence.
struct Directive {
  std::string_view name;
  Kind kind = Kind::kText;
  Binding binding;
  std::int64_t low = 0;
  std::uint64_t high = 0;
  std::span<const ChoiceName> choices;
  const Special* special = nullptr;
  std::string_view (*problem)(const Value&) = nullptr;  // empty: the value is fine; else the reason
  std::string_view kept_default;                        // canonical default of a directive that is only kept
  std::array<std::string_view, 2> alias_names;
  std::string_view reason;   // why it has no effect here; empty: it has
  std::string_view meaning;  // what it does, when Redis has none of that name
  EmptyText empty_text = EmptyText::kUnset;
  bool is_immutable = false;
  bool is_hidden = false;          // CONFIG GET answers only to the exact name
  bool is_sensitive = false;       // never shown in logs, MONITOR or SLOWLOG
  bool is_protected = false;       // CONFIG SET only as enable-protected-configs allows
  bool is_denied_loading = false;  // no CONFIG SET while the data set loads

  [[nodiscard]] constexpr Directive alias(std::string_view other) const {
    Directive d = *this;
    (d.alias_names[0].empty() ? d.alias_names[0] : d.alias_names[1]) = other;
    return d;
  }
  [[nodiscard]] constexpr Directive immutable() const { return with(&Directive::is_immutable); }
  [[nodiscard]] constexpr Directive hidden() const { return with(&Directive::is_hidden); }
  [[nodiscard]] constexpr Directive sensitive() const { return with(&Directive::is_sensitive); }
  [[nodiscard]] constexpr Directive guarded() const { return with(&Directive::is_protected); }
  [[nodiscard]] constexpr Directive not_while_loading() const { return with(&Directive::is_denied_loading); }
  /// Accepted and answered, without effect; `why` is a sentence for the compatibility page.
  [[nodiscard]] constexpr Directive idle(std::string_view why) const {
    Directive d = *this;
    d.reason = why;
    return d;
  }
  /// Redis has none of that name; `meaning` is what the compatibility page says of it.
  [[nodiscard]] constexpr Directive ours(std::string_view what) const {
    Directive d = *this;
    d.meaning = what;
    return d;
  }
  [[nodiscard]] constexpr Directive checked(std::string_view (*check)(const Value&)) const {
    Directive d = *this;
    d.problem = check;
    return d;
  }
  /// A text whose empty value is a value.
  [[nodiscard]] constexpr Directive may_be_empty() const {
    Directive d = *this;
    d.empty_text = EmptyText::kValue;
    return d;
  }
  [[nodiscard]] constexpr bool takes_many() const {
    return special != nullptr && special->arity == Special::Arity::kMany;
  }

 private:
  constexpr Directive with(bool Directive::* trait) const {
    Directive d = *this;
    d.*trait = true;
    return d;
  }
};

/// Rows that belong together, in the order of the compatibility page.
struct DirectiveGroup {
  std::string_view title;
  std::span<const Directive> rows;
};
[[nodiscard]] std::array<DirectiveGroup, 12> directive_groups() noexcept;

/// The row of a name or alias, in any letter case; nullptr when there is none.
[[nodiscard]] const Directive* find_directive(std::string_view name) noexcept;
/// The canonical spelling of `name` among the name and aliases of `directive`.
[[nodiscard]] std::string_view spelling_of(const Directive& directive, std::string_view name) noexcept;
/// The known name (hidden ones left out) that `name` was probably meant to be; empty when none is near.
[[nodiscard]] std::string_view nearest_name(std::string_view name);

/// Parses and stores what was given for `directive`. Errors: the reason as Redis words it; `config` is unchanged then.
/// A directive of one value needs exactly one argument ("wrong number of arguments").
[[nodiscard]] Result<void> assign(Config& config, const Directive& directive, std::span<const std::string> arguments,
                                  Use use);
/// The value as CONFIG GET prints it.
[[nodiscard]] std::string format_value(const Config& config, const Directive& directive);
/// The lines of CONFIG REWRITE for the present value.
[[nodiscard]] std::vector<RewriteLine> rewrite_lines(const Directive& directive, const Config& now,
                                                     const Config& defaults);
/// The configuration a server has when no one configures anything, on the machine and in the directory of `origin`.
[[nodiscard]] Config defaults_of(const Origin& origin);

}  // namespace ashlar::config
