#include "commands/stream/args.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string>

#include "base/bytes.h"

namespace ashlar::commands {

using command::Context;
using keyspace::StreamTrim;

namespace {

constexpr std::string_view kBothBounds = "syntax error, MAXLEN and MINID options at the same time are not compatible";

std::unexpected<Error> invalid_id() { return fail("Invalid stream ID specified as stream command argument"); }

/// A number as Redis reads it inside an id: canonical, or what strtoull() takes.
std::optional<std::uint64_t> parse_part(const std::string& text) {
  if (const auto n = parse_u64(text)) return n;
  if (const auto n = parse_i64(text)) return std::nullopt;  // negative
  if (text.empty()) return std::nullopt;
  errno = 0;
  char* end = nullptr;
  const unsigned long long n = std::strtoull(text.c_str(), &end, 10);
  if (errno != 0 || *end != '\0' || end == text.c_str()) return std::nullopt;
  return n;
}

enum class Ends : std::uint8_t { kAllowed, kRefused };

struct ParsedId {
  StreamId id;
  bool seq_is_star = false;
};

Result<ParsedId> parse(std::string_view text, MissingSeq missing, Ends ends) {
  constexpr std::size_t kLongest = 127;
  if (text.size() > kLongest) return invalid_id();
  const std::string_view shown = text.substr(0, text.find('\0'));
  if (shown == "-" || shown == "+") {
    if (ends == Ends::kRefused) return invalid_id();
    return ParsedId{shown == "-" ? StreamId{} : StreamId::max()};
  }
  const std::size_t dash = shown.find('-');
  const auto ms = parse_part(std::string(shown.substr(0, dash)));
  if (!ms) return invalid_id();
  ParsedId parsed{{*ms, missing == MissingSeq::kMax ? StreamId::kPartMax : 0}};
  if (dash == std::string_view::npos) return parsed;
  const std::string_view rest = shown.substr(dash + 1);
  if (rest == "*") {
    parsed.id.seq = 0;
    parsed.seq_is_star = true;
    return parsed;
  }
  const auto seq = parse_part(std::string(rest));
  if (!seq) return invalid_id();
  parsed.id.seq = *seq;
  return parsed;
}

Result<StreamId> parse_plain(std::string_view text, MissingSeq missing, Ends ends) {
  ASH_TRY(const ParsedId parsed, parse(text, missing, ends));
  if (parsed.seq_is_star) return invalid_id();
  return parsed.id;
}

bool is_exclusive(std::string_view text) { return text.size() > 1 && text[0] == '('; }

/// What is read before the rules between options are checked.
struct RawOptions {
  AddOrTrim result;
  std::optional<std::int64_t> limit;
};

enum class User : std::uint8_t { kAdd, kTrim };

class OptionReader {
 public:
  OptionReader(const Context& ctx, User user) : ctx_(ctx), args_(ctx.args), user_(user) {}

  Result<AddOrTrim> read() {
    for (; at_ < args_.size(); ++at_) {
      if (user_ == User::kAdd && args_[at_] == "*") break;
      ASH_TRY(const Step step, option());
      if (step == Step::kIdFound) break;
    }
    ASH_TRY_VOID(check());
    raw_.result.id_at = at_;
    return std::move(raw_.result);
  }

 private:
  enum class Step : std::uint8_t { kGoOn, kIdFound };

  Result<Step> option() {
    const std::string_view word = args_[at_];
    const bool more = at_ + 1 < args_.size();
    if (more && iequals(word, "maxlen")) return bound(Bound::kLength);
    if (more && iequals(word, "minid")) return bound(Bound::kId);
    if (more && iequals(word, "limit")) return limit();
    if (user_ == User::kTrim) return fail(ErrorCode::kSyntax);
    if (iequals(word, "nomkstream")) {
      raw_.result.keeps_missing = true;
      return Step::kGoOn;
    }
    ASH_TRY(const ParsedId parsed, parse(word, MissingSeq::kZero, Ends::kRefused));
    raw_.result.id = {parsed.seq_is_star ? NewId::Kind::kAutoSeq : NewId::Kind::kGiven, parsed.id};
    return Step::kIdFound;
  }

  enum class Bound : std::uint8_t { kLength, kId };

  Result<Step> bound(Bound kind) {
    if (raw_.result.trim) return fail(std::string(kBothBounds));
    StreamTrim trim;
    ++at_;
    if (at_ + 1 < args_.size() && (args_[at_] == "~" || args_[at_] == "=")) {
      if (args_[at_] == "~") trim.precision = StreamTrim::Precision::kWholeNodes;
      ++at_;
    }
    if (kind == Bound::kLength) {
      const auto n = parse_i64(args_[at_]);
      if (!n) return fail(ErrorCode::kNotInteger);
      if (*n < 0) return fail("The MAXLEN argument must be >= 0.");
      trim.bound = StreamTrim::MaxLength{static_cast<std::uint64_t>(*n)};
    } else {
      ASH_TRY(const StreamId id, parse_strict_id(args_[at_]));
      trim.bound = StreamTrim::MinId{id};
    }
    raw_.result.bound_at = at_;
    raw_.result.trim = trim;
    return Step::kGoOn;
  }

  Result<Step> limit() {
    const auto n = parse_i64(args_[++at_]);
    if (!n) return fail(ErrorCode::kNotInteger);
    if (*n < 0) return fail("The LIMIT argument must be >= 0.");
    raw_.limit = *n;
    return Step::kGoOn;
  }

  Result<void> check() {
    auto& trim = raw_.result.trim;
    if (!trim) {
      if (raw_.limit.value_or(0) != 0) {
        return fail("syntax error, LIMIT cannot be used without specifying a trimming strategy");
      }
      if (user_ == User::kTrim) return fail("syntax error, XTRIM must be called with a trimming strategy");
    }
    // What a primary or a file says was exact when it was recorded.
    if (ctx_.session.origin() != command::Origin::kClient) return {};
    const bool whole_nodes = trim && trim->precision == StreamTrim::Precision::kWholeNodes;
    if (raw_.limit && !whole_nodes) {
      return fail("syntax error, LIMIT cannot be used without the special ~ option");
    }
    if (!whole_nodes) return {};
    if (raw_.limit) {
      if (*raw_.limit > 0) trim->limit = static_cast<std::uint64_t>(*raw_.limit);
    } else {
      trim->limit = default_limit();
    }
    return {};
  }

  /// A hundred nodes, within bounds. Source: XADD and XTRIM without LIMIT in Redis 7.
  [[nodiscard]] std::uint64_t default_limit() const {
    constexpr std::uint64_t kMost = 1'000'000;
    const std::uint64_t node_entries = ctx_.limits().stream_node_entries;
    if (node_entries == 0) return 10'000;
    return std::min(kMost, 100 * std::min(node_entries, kMost));
  }

  const Context& ctx_;
  std::span<const std::string_view> args_;
  User user_;
  std::size_t at_ = 2;
  RawOptions raw_;
};

}  // namespace

Result<StreamId> parse_id(std::string_view text, MissingSeq missing) {
  return parse_plain(text, missing, Ends::kAllowed);
}

Result<StreamId> parse_strict_id(std::string_view text, MissingSeq missing) {
  return parse_plain(text, missing, Ends::kRefused);
}

Result<std::vector<StreamId>> parse_strict_ids(std::span<const std::string_view> args) {
  std::vector<StreamId> ids;
  ids.reserve(args.size());
  for (const std::string_view arg : args) {
    ASH_TRY(const StreamId id, parse_strict_id(arg));
    ids.push_back(id);
  }
  return ids;
}

Result<StreamId> parse_range_start(std::string_view text) {
  if (!is_exclusive(text)) return parse_id(text);
  ASH_TRY(const StreamId id, parse_strict_id(text.substr(1)));
  const auto next = id.next();
  return next ? Result<StreamId>(*next) : fail("invalid start ID for the interval");
}

Result<StreamId> parse_range_end(std::string_view text) {
  if (!is_exclusive(text)) return parse_id(text, MissingSeq::kMax);
  ASH_TRY(const StreamId id, parse_strict_id(text.substr(1), MissingSeq::kMax));
  const auto prev = id.prev();
  return prev ? Result<StreamId>(*prev) : fail("invalid end ID for the interval");
}

Result<AddOrTrim> parse_add_options(const Context& ctx) { return OptionReader(ctx, User::kAdd).read(); }

Result<AddOrTrim> parse_trim_options(const Context& ctx) { return OptionReader(ctx, User::kTrim).read(); }

std::int64_t now_millis(const Context& ctx) noexcept { return unix_millis(ctx.now()); }

std::int64_t elapsed(std::int64_t now, std::int64_t then) noexcept {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(now) - static_cast<std::uint64_t>(then));
}

}  // namespace ashlar::commands
