#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "keyspace/values/sorted_set.h"
#include "snapshot/rdb_values.h"
#include "snapshot/ziplist.h"

namespace ashlar::snapshot::rdb {

using keyspace::Owned;
using keyspace::SortedSet;

namespace {

// Frozen: see rdb_format.h.
constexpr std::uint8_t kTextScores = 3;
constexpr std::uint8_t kBinaryScores = 5;
constexpr std::uint8_t kZiplist = 12;
constexpr std::uint8_t kListpack = 17;  // Redis 7.0; read only, so that older ones load what we write

std::unexpected<Error> corrupt(const RdbInput& input, std::string_view what) {
  return RdbInput::corrupt(what, input.offset());
}

/// A score as text behind one byte of length; the highest lengths stand for what has no digits.
Result<double> read_text_score(RdbInput& input) {
  constexpr std::uint8_t kNan = 253;
  constexpr std::uint8_t kInf = 254;
  constexpr std::uint8_t kMinusInf = 255;
  ASH_TRY(const std::uint8_t size, input.byte());
  if (size == kNan) return corrupt(input, "a score that is no number");
  if (size == kInf) return std::numeric_limits<double>::infinity();
  if (size == kMinusInf) return -std::numeric_limits<double>::infinity();
  std::string digits(size, '\0');
  ASH_TRY_VOID(input.exact(digits));
  const auto score = parse_double(digits);
  if (!score) return corrupt(input, "a score that is no number");
  return *score;
}

Result<double> read_binary_score(RdbInput& input) {
  char bytes[sizeof(std::uint64_t)];
  ASH_TRY_VOID(input.exact(bytes));
  const auto score = std::bit_cast<double>(load_le<std::uint64_t>(bytes));
  if (std::isnan(score)) return corrupt(input, "a score that is no number");
  return score;
}

/// What will need an index begins as one: a listpack keeps no negative zero, so what passes through one on its way
/// would not be written as it was read.
Result<Owned<SortedSet>> read_pairs(RdbInput& input, std::uint8_t type) {
  constexpr std::string_view kTwice = "a member of a sorted set twice";
  ASH_TRY(const std::uint64_t count, input.length());
  keyspace::EncodingLimits limits = input.limits().encoding;
  if (count > limits.zset_listpack_entries) limits.zset_listpack_entries = 0;
  Owned<SortedSet> set(new SortedSet());
  const auto add = [&](std::string_view member, double score) {
    return set->add(member, score, {}, limits).outcome == SortedSet::Outcome::kAdded;
  };
  std::vector<std::pair<std::string, double>> small;  // as long as all may fit into a listpack
  const auto add_small = [&] {
    const bool all = std::ranges::all_of(small, [&](const auto& pair) { return add(pair.first, pair.second); });
    small.clear();
    return all;
  };
  std::string member;
  for (std::uint64_t i = 0; i < count; ++i) {
    ASH_TRY_VOID(input.string(member));
    ASH_TRY(const double score, type == kTextScores ? read_text_score(input) : read_binary_score(input));
    if (member.size() > limits.zset_listpack_value) limits.zset_listpack_entries = 0;
    if (limits.zset_listpack_entries != 0) {
      small.emplace_back(std::move(member), score);
    } else if (!add_small() || !add(member, score)) {
      return corrupt(input, kTwice);
    }
  }
  if (!add_small()) return corrupt(input, kTwice);
  return set;
}

std::optional<double> packed_score(const ds::PackedValue& value) {
  if (value.is_integer()) return static_cast<double>(value.integer());
  return parse_double(value.bytes());
}

std::unexpected<Error> wrong(std::string_view what) { return fail(ErrorCode::kCorrupt, std::string(what)); }

/// Member, score, member, score ... of an encoded block.
Result<Owned<SortedSet>> rebuilt(const RdbInput& input, const Result<ds::Listpack>& packed) {
  if (!packed) return std::unexpected(packed.error());
  if (packed->count() % 2 != 0) return wrong("a member without score");
  Owned<SortedSet> set(new SortedSet());
  DecimalBuffer digits;
  const ds::ListpackView values = packed->view();
  for (auto at = values.begin(); at != values.end(); ++at) {
    const ds::PackedValue member = *at;
    ++at;
    const auto score = packed_score(*at);
    if (!score) return wrong("a score that is no number");
    const auto added = set->add(member.text(digits), *score, {}, input.limits().encoding);
    if (added.outcome != SortedSet::Outcome::kAdded) return wrong("listpack with dup elements");
  }
  return set;
}

class SortedSetPieces final : public EntryPieces {
 public:
  SortedSetPieces(const SortedSet& set, Compression compression)
      : set_(set), compression_(compression), at_(set.first()) {}
  Left next(Chunk& out, std::size_t end) override {
    if (!begun_) append_length(out.bytes, set_.size());
    begun_ = true;
    for (; !at_.at_end(); at_.forward()) {
      if (out.bytes.size() >= end) return Left::kMore;
      const auto element = at_.element();
      append_element(out, element.member, compression_);
      char bytes[sizeof(std::uint64_t)];
      store_le(bytes, std::bit_cast<std::uint64_t>(element.score));
      out.bytes.append(bytes, sizeof bytes);
    }
    return Left::kNothing;
  }

 private:
  const SortedSet& set_;
  Compression compression_;
  bool begun_ = false;
  SortedSet::Cursor at_;
};

}  // namespace

std::uint8_t sorted_set_type(const SortedSet& /*value*/) noexcept { return kBinaryScores; }

bool reads_sorted_set(std::uint8_t type) noexcept {
  return type == kTextScores || type == kBinaryScores || type == kZiplist || type == kListpack;
}

void append_sorted_set(Chunk& out, const SortedSet& value, Compression compression) {
  (void)SortedSetPieces(value, compression).next(out, EntryPieces::kNoEnd);
}

std::unique_ptr<EntryPieces> sorted_set_pieces(const SortedSet& value, Compression compression) {
  return std::make_unique<SortedSetPieces>(value, compression);
}

Result<Owned<SortedSet>> read_sorted_set(RdbInput& input, std::uint8_t type) {
  if (type == kTextScores || type == kBinaryScores) return read_pairs(input, type);
  const std::uint64_t at = input.offset();
  std::string blob;
  ASH_TRY_VOID(input.string(blob));
  if (type == kZiplist) return intact(rebuilt(input, listpack_of_ziplist(blob)), "Zset ziplist", at);
  return intact(rebuilt(input, ds::Listpack::validated(blob)), "Zset listpack", at);
}

}  // namespace ashlar::snapshot::rdb
