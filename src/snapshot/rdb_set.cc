#include <algorithm>
#include <string>

#include "keyspace/values/set.h"
#include "snapshot/rdb_values.h"

namespace ashlar::snapshot::rdb {

using keyspace::Owned;
using keyspace::Set;
using keyspace::SetMember;

namespace {

// Frozen: see rdb_format.h.
constexpr std::uint8_t kStrings = 2;
constexpr std::uint8_t kIntset = 11;
constexpr std::uint8_t kListpack = 20;  // Redis 7.2; read only, so that 7.0 loads what we write

std::unexpected<Error> corrupt(const RdbInput& input, std::string_view what) {
  return RdbInput::corrupt(what, input.offset());
}

Result<Owned<Set>> read_strings(RdbInput& input) {
  ASH_TRY(const std::uint64_t count, input.length());
  const keyspace::EncodingLimits& limits = input.limits().encoding;
  Owned<Set> set(new Set());
  std::string text;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (const auto done = input.string(text); !done) return std::unexpected(done.error());
    const SetMember member(text);
    if (i == 0) set->expect(member, count, limits);
    if (!set->add(member, limits)) return corrupt(input, "a member of a set twice");
  }
  return set;
}

/// The values of an encoded block as a set.
template <typename Values>
Result<Owned<Set>> rebuilt(const RdbInput& input, const Values& values, std::uint64_t count) {
  const keyspace::EncodingLimits& limits = input.limits().encoding;
  Owned<Set> set(new Set());
  bool first = true;
  for (const auto value : values) {
    const SetMember member{ds::PackedValue(value)};
    if (first) set->expect(member, count, limits);
    first = false;
    if (!set->add(member, limits)) return corrupt(input, "a member of a set twice");
  }
  return set;
}

/// Members one by one: of a set that is no intset.
class SetPieces final : public EntryPieces {
 public:
  SetPieces(const Set& set, Compression compression) noexcept : set_(set), compression_(compression) {}
  Left next(Chunk& out, std::size_t end) override {
    if (!begun_) append_length(out.bytes, set_.size());
    begun_ = true;
    do {
      position_ = set_.scan(position_, kScanStep, [&](const ds::PackedValue& member) { append(out, member); });
    } while (position_ != 0 && out.bytes.size() < end);
    return position_ == 0 ? Left::kNothing : Left::kMore;
  }

 private:
  void append(Chunk& out, const ds::PackedValue& member) const {
    if (member.is_integer()) {
      append_integer(out.bytes, member.integer());
    } else {
      append_element(out, member.bytes(), compression_);
    }
  }

  const Set& set_;
  Compression compression_;
  bool begun_ = false;
  std::uint64_t position_ = 0;
};

}  // namespace

std::uint8_t set_type(const Set& value) noexcept { return value.intset() != nullptr ? kIntset : kStrings; }

bool reads_set(std::uint8_t type) noexcept { return type == kStrings || type == kIntset || type == kListpack; }

void append_set(Chunk& out, const Set& value, Compression compression) {
  if (const ds::Intset* numbers = value.intset()) return append_element(out, numbers->blob(), compression);
  (void)SetPieces(value, compression).next(out, EntryPieces::kNoEnd);
}

std::unique_ptr<EntryPieces> set_pieces(const Set& value, Compression compression) {
  return std::make_unique<SetPieces>(value, compression);
}

Result<Owned<Set>> read_set(RdbInput& input, std::uint8_t type) {
  if (type == kStrings) return read_strings(input);
  const std::uint64_t at = input.offset();
  std::string blob;
  if (const auto done = input.string(blob); !done) return std::unexpected(done.error());
  if (type == kIntset) {
    const auto numbers = ds::Intset::validated(blob);
    if (!numbers) return intact(Result<Owned<Set>>(std::unexpected(numbers.error())), "Intset", at);
    return rebuilt(input, *numbers, numbers->size());
  }
  const auto packed = ds::Listpack::validated(blob);
  if (!packed) return intact(Result<Owned<Set>>(std::unexpected(packed.error())), "Set listpack", at);
  return rebuilt(input, packed->view(), packed->count());
}

}  // namespace ashlar::snapshot::rdb
