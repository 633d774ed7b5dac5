#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "command/arg_parser.h"
#include "commands/string/commands.h"

namespace ashlar::commands {

using namespace command;

namespace {

constexpr CommandSpec kLcs{.name = "lcs",
                           .arity = at_least(3),
                           .flags = Flag::kReadOnly,
                           .group = Group::kString,
                           .categories = Category::kString,
                           .keys = {key_range(1, 1, 1, KeyAccess::kRO, KeyAction::kAccess)},
                           .since = "7.0.0",
                           .complexity = "O(N*M) where N and M are the lengths of the two strings.",
                           .summary = "Finds the longest common subsequence of two string values.",
                           .syntax = "key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]"};

struct LcsOptions {
  bool length_only = false;
  bool indexes = false;
  bool with_length = false;
  std::int64_t min_length = 0;
};

Result<LcsOptions> parse_options(std::span<const std::string_view> args) {
  LcsOptions options;
  ArgParser in(args, 3);
  while (in.more()) {
    if (in.take("IDX")) {
      options.indexes = true;
    } else if (in.take("LEN")) {
      options.length_only = true;
    } else if (in.take("WITHMATCHLEN")) {
      options.with_length = true;
    } else if (in.take("MINMATCHLEN")) {
      options.min_length = std::max<std::int64_t>(in.integer(), 0);
    } else {
      in.reject();
    }
  }
  if (in.failed()) return std::unexpected(in.error());
  if (options.indexes && options.length_only) {
    return fail("If you want both the length and indexes, please just use IDX.");
  }
  return options;
}

/// Lengths of the longest common subsequences of all pairs of prefixes: the textbook table.
class PrefixTable {
 public:
  PrefixTable(std::string_view a, std::string_view b)
      : columns_(b.size() + 1), cells_(std::make_unique_for_overwrite<std::uint32_t[]>((a.size() + 1) * columns_)) {
    std::fill_n(&cells_[0], columns_, 0U);
    for (std::size_t i = 1; i <= a.size(); ++i) {
      const std::uint32_t* above = &cells_[(i - 1) * columns_];
      std::uint32_t* row = &cells_[i * columns_];
      row[0] = 0;
      for (std::size_t j = 1; j <= b.size(); ++j) {
        row[j] = a[i - 1] == b[j - 1] ? above[j - 1] + 1 : std::max(above[j], row[j - 1]);
      }
    }
  }
  [[nodiscard]] std::uint32_t at(std::size_t i, std::size_t j) const noexcept { return cells_[i * columns_ + j]; }

 private:
  std::size_t columns_;
  std::unique_ptr<std::uint32_t[]> cells_;
};

/// A run of equal bytes, positions of its first byte in both strings.
struct Run {
  std::size_t a;
  std::size_t b;
  std::size_t length;
};

/// Calls visit(Run) for every maximal run on the way back from the end; among equals the way that Redis takes: a
/// shorter `b` first.
template <typename Visit>
void walk_back(std::string_view a, std::string_view b, const PrefixTable& table, Visit&& visit) {
  std::size_t i = a.size();
  std::size_t j = b.size();
  while (i > 0 && j > 0) {
    std::size_t length = 0;
    while (i > 0 && j > 0 && a[i - 1] == b[j - 1]) {
      --i;
      --j;
      ++length;
    }
    if (length > 0) {
      visit(Run{i, j, length});
    } else if (table.at(i - 1, j) > table.at(i, j - 1)) {
      --i;
    } else {
      --j;
    }
  }
}

void reply_interval(resp::Encoder& reply, std::size_t first, std::size_t length) {
  reply.array(2);
  reply.integer(static_cast<std::int64_t>(first));
  reply.integer(static_cast<std::int64_t>(first + length - 1));
}

void reply_indexes(resp::Encoder& reply, std::string_view a, std::string_view b, const PrefixTable& table,
                   const LcsOptions& options) {
  reply.map(2);
  reply.bulk("matches");
  const resp::Deferred matches = reply.begin_array();
  std::size_t count = 0;
  walk_back(a, b, table, [&](const Run& run) {
    if (run.length < static_cast<std::uint64_t>(options.min_length)) return;
    ++count;
    reply.array(options.with_length ? 3 : 2);
    reply_interval(reply, run.a, run.length);
    reply_interval(reply, run.b, run.length);
    if (options.with_length) reply.integer(static_cast<std::int64_t>(run.length));
  });
  reply.end(matches, count);
  reply.bulk("len");
  reply.integer(table.at(a.size(), b.size()));
}

/// Bytes of the table; nullopt beyond what a 64-bit number can say.
std::optional<std::uint64_t> table_bytes(std::string_view a, std::string_view b) {
  std::uint64_t cells = 0;
  std::uint64_t bytes = 0;
  if (__builtin_mul_overflow(a.size() + 1, b.size() + 1, &cells)) return std::nullopt;
  if (__builtin_mul_overflow(cells, sizeof(std::uint32_t), &bytes)) return std::nullopt;
  return bytes;
}

}  // namespace

void StringCommands::lcs(Context& ctx) {
  const Entry* first = ctx.db.find(ctx.keys[0], ctx.read_access());
  const Entry* second = ctx.db.find(ctx.keys[1], ctx.read_access());
  if ((first != nullptr && !first->is_string()) || (second != nullptr && !second->is_string())) {
    return ctx.error("The specified keys must contain string values");
  }
  const auto options = parse_options(ctx.args);
  if (!options) return ctx.error(options.error());
  DecimalBuffer first_buffer;
  DecimalBuffer second_buffer;
  const std::string_view a = first != nullptr ? first->text(first_buffer) : std::string_view();
  const std::string_view b = second != nullptr ? second->text(second_buffer) : std::string_view();
  constexpr std::size_t kMaxLength = std::numeric_limits<std::uint32_t>::max() - 1;
  if (a.size() >= kMaxLength || b.size() >= kMaxLength) return ctx.error("String too long for LCS");
  const auto bytes = table_bytes(a, b);
  if (!bytes || *bytes > max_bytes_.load(std::memory_order_relaxed)) {
    return ctx.error("Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
  }
  const PrefixTable table(a, b);
  if (options->indexes) return reply_indexes(ctx.reply, a, b, table, *options);
  if (options->length_only) return ctx.reply.integer(table.at(a.size(), b.size()));
  std::string common(table.at(a.size(), b.size()), '\0');
  std::size_t at = common.size();
  walk_back(a, b, table, [&](const Run& run) {
    at -= run.length;
    std::copy_n(a.data() + run.a, run.length, common.data() + at);
  });
  ctx.reply.bulk(common);
}

void register_string_lcs(CommandTable& table, StringCommands& commands) {
  table.add(kLcs, Handler::bind<&StringCommands::lcs>(commands));
}

}  // namespace ashlar::commands
