#include "command/syntax.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "base/bytes.h"

namespace ashlar::command {
namespace {

constexpr int kMaxDepth = 16;

/// Words and brackets, each one lexeme.
using Lexemes = std::span<const std::string_view>;

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> out;
  constexpr std::string_view kBrackets = "[]<>|";
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == ' ') {
      ++i;
    } else if (kBrackets.contains(text[i])) {
      out.push_back(text.substr(i++, 1));
    } else {
      const std::size_t end = std::min(text.find_first_of(" []<>|", i), text.size());
      out.push_back(text.substr(i, end - i));
      i = end;
    }
  }
  return out;
}

bool is_token(std::string_view word) {
  return std::ranges::none_of(word, [](char c) { return c >= 'a' && c <= 'z'; });
}

Argument::Type type_of(std::string_view name) {
  using Type = Argument::Type;
  static constexpr std::array<std::string_view, 3> kKeys = {"source", "destination", "newkey"};
  static constexpr std::array<std::string_view, 24> kIntegers = {
      "seconds", "milliseconds", "count",     "offset", "start", "stop",    "end",   "index",
      "numkeys", "port",         "slot",      "cursor", "ttl",   "db",      "level", "decrement",
      "index1",  "index2",       "frequency", "rank",   "len",   "timeout", "size",  "destination-db"};
  static constexpr std::array<std::string_view, 6> kDoubles = {"score",  "longitude", "latitude",
                                                               "radius", "weight",    "height"};
  if (name == "key" || (name.starts_with("key") && name.size() == 4 && name[3] >= '0' && name[3] <= '9') ||
      std::ranges::find(kKeys, name) != kKeys.end()) {
    return Type::kKey;
  }
  if (name == "pattern") return Type::kPattern;
  if (name.starts_with("unix-time")) return Type::kUnixTime;
  if (std::ranges::find(kIntegers, name) != kIntegers.end()) return Type::kInteger;
  if (std::ranges::find(kDoubles, name) != kDoubles.end()) return Type::kDouble;
  return Type::kString;
}

/// An argument with the lexemes it was read from, by which its repetition is recognised.
struct Item {
  Argument argument;
  Lexemes source;
};

std::string joined_names(std::span<const Argument> parts) {
  std::string name;
  for (const Argument& part : parts) name += (name.empty() ? "" : "-") + part.name;
  return name;
}

Argument group(Argument::Type type, std::vector<Argument> parts) {
  Argument out;
  out.name = joined_names(parts);
  out.type = type;
  out.parts = std::move(parts);
  return out;
}

class Parser {
 public:
  explicit Parser(Lexemes all) : all_(all) {}

  [[nodiscard]] std::optional<std::vector<Argument>> run() {
    auto out = alternatives(0);
    if (at_ != all_.size()) failed_ = true;
    if (failed_) return std::nullopt;
    return out;
  }

 private:
  [[nodiscard]] bool more() const { return !failed_ && at_ < all_.size(); }
  [[nodiscard]] bool next_is(std::string_view lexeme) const { return more() && all_[at_] == lexeme; }
  [[nodiscard]] bool next_is_word() const {
    return more() && (all_[at_].size() > 1 || !std::string_view("[]<>|").contains(all_[at_][0]));
  }

  /// a b | c | d: one sequence, or one argument that is a choice.
  std::vector<Argument> alternatives(int depth) {
    if (depth > kMaxDepth) {
      failed_ = true;
      return {};
    }
    std::vector<Argument> first = sequence(depth);
    if (!next_is("|")) return first;
    std::vector<Argument> choices;
    failed_ |= first.empty();
    choices.push_back(as_one(std::move(first)));
    while (next_is("|")) {
      ++at_;
      std::vector<Argument> next = sequence(depth);
      failed_ |= next.empty();
      choices.push_back(as_one(std::move(next)));
    }
    std::vector<Argument> out;
    out.push_back(group(Argument::Type::kOneOf, std::move(choices)));
    return out;
  }

  static Argument as_one(std::vector<Argument> sequence) {
    if (sequence.size() == 1) return std::move(sequence.front());
    return group(Argument::Type::kBlock, std::move(sequence));
  }

  std::vector<Argument> sequence(int depth) {
    std::vector<Item> items;
    while (more() && !next_is("|") && !next_is("]") && !next_is(">") && !next_is("...")) {
      if (repeat(items)) continue;
      const std::size_t start = at_;
      Argument argument = item(depth);
      items.push_back({std::move(argument), all_.subspan(start, at_ - start)});
    }
    std::vector<Argument> out;
    for (Item& i : items) out.push_back(std::move(i.argument));
    return out;
  }

  Argument item(int depth) {
    if (next_is("[")) {
      Argument inner = bracket("]", depth);
      inner.optional = true;
      return inner;
    }
    if (next_is("<")) return bracket(">", depth);
    const std::string_view word = all_[at_++];
    if (is_token(word)) return token(word);
    Argument value;
    value.name = word;
    value.type = type_of(word);
    return value;
  }

  Argument bracket(std::string_view closing, int depth) {
    ++at_;
    std::vector<Argument> inner = alternatives(depth + 1);
    bool again = false;
    if (next_is("...")) {
      again = true;
      ++at_;
    }
    if (!next_is(closing) || inner.empty()) {
      failed_ = true;
      return {};
    }
    ++at_;
    Argument out = as_one(std::move(inner));
    out.multiple |= again;
    return out;
  }

  /// A literal word and the values that belong to it.
  Argument token(std::string_view word) {
    Argument out;
    std::vector<Item> values;
    while (next_is_word() && all_[at_] != "..." && !is_token(all_[at_])) {
      Argument value;
      value.name = all_[at_];
      value.type = type_of(value.name);
      values.push_back({std::move(value), all_.subspan(at_, 1)});
      ++at_;
      while (repeat(values)) {
      }
    }
    if (values.size() == 1) {
      out = std::move(values.front().argument);
    } else if (values.empty()) {
      out.name = to_lower(word);
      out.type = Argument::Type::kPureToken;
    } else {
      std::vector<Argument> parts;
      for (Item& value : values) parts.push_back(std::move(value.argument));
      out = group(Argument::Type::kBlock, std::move(parts));
    }
    out.token = word == "\"\"" ? std::string_view() : word;
    out.has_token = true;
    return out;
  }

  /// When `[x ...]` comes next and x is how the last items read, marks these as repeatable.
  bool repeat(std::vector<Item>& items) {
    if (!next_is("[")) return false;
    const auto rest = all_.subspan(at_ + 1);
    const auto dots = std::ranges::find(rest, "...");
    const auto length = static_cast<std::size_t>(dots - rest.begin());
    if (dots == rest.end() || length == 0 || length + 1 >= rest.size() || rest[length + 1] != "]") return false;
    const Lexemes again = rest.first(length);
    std::size_t first = items.size();
    std::size_t covered = 0;
    while (first > 0 && covered < length) covered += items[--first].source.size();
    if (covered != length) return false;
    const Lexemes before = all_.subspan(static_cast<std::size_t>(items[first].source.data() - all_.data()), length);
    if (!std::ranges::equal(before, again)) return false;
    at_ += length + 3;
    if (first + 1 == items.size()) {
      Argument& last = items.back().argument;
      last.multiple = true;
      last.multiple_token = last.has_token && last.type != Argument::Type::kPureToken;
      return true;
    }
    std::vector<Argument> parts;
    for (std::size_t i = first; i < items.size(); ++i) parts.push_back(std::move(items[i].argument));
    Item block{group(Argument::Type::kBlock, std::move(parts)), before};
    block.argument.multiple = true;
    items.resize(first);
    items.push_back(std::move(block));
    return true;
  }

  Lexemes all_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace

std::string_view type_name(Argument::Type type) noexcept {
  using Type = Argument::Type;
  switch (type) {
    case Type::kString: return "string";
    case Type::kInteger: return "integer";
    case Type::kDouble: return "double";
    case Type::kKey: return "key";
    case Type::kPattern: return "pattern";
    case Type::kUnixTime: return "unix-time";
    case Type::kPureToken: return "pure-token";
    case Type::kOneOf: return "oneof";
    case Type::kBlock: return "block";
  }
  return "string";
}

Result<std::vector<Argument>> parse_syntax(std::string_view syntax) {
  const auto lexemes = split(syntax);
  auto arguments = Parser(lexemes).run();
  if (!arguments) return fail("cannot read the argument notation: " + std::string(syntax));
  return std::move(*arguments);
}

}  // namespace ashlar::command
