#include "snapshot/entry_pieces.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "snapshot/entry_format.h"
#include "snapshot/huge_values.h"

namespace ashlar::snapshot {
namespace {

using keyspace::Entry;
using keyspace::Type;

struct Destroy {
  void operator()(Entry* entry) const noexcept { Entry::destroy(entry); }
};
using OwnedEntry = std::unique_ptr<Entry, Destroy>;

OwnedEntry entry_of(keyspace::OwnedValue value) {
  return OwnedEntry(Entry::make_owned("key", std::move(value), wall_from_unix_millis(1'800'000'000'123)));
}

class EntryInPieces : public ::testing::TestWithParam<Type> {};
INSTANTIATE_TEST_SUITE_P(Types, EntryInPieces, ::testing::ValuesIn(kCollections));

TEST_P(EntryInPieces, HasTheSameBytesAsTheWholeHoweverLongAPieceIs) {
  const OwnedEntry entry = entry_of(huge_value(GetParam(), 20'000));
  for (const Compression compression : {Compression::kNone, Compression::kLzf}) {
    const RdbEntryFormat format(compression, {.kind = rdb::ClockFields::Kind::kFreq});
    Chunk whole;
    format.entry(whole, *entry);
    std::string expected;
    format.pack(whole, expected);
    for (const std::size_t end : {std::size_t{1}, std::size_t{1000}, std::size_t{64} << 10, EntryPieces::kNoEnd}) {
      const auto pieces = format.pieces(*entry);
      ASSERT_NE(pieces, nullptr);
      std::string got;
      Chunk chunk;
      std::uint64_t keys = 0;
      EntryPieces::Left left{};
      do {
        chunk.clear();
        left = pieces->next(chunk, end);
        if (end <= 64 << 10) EXPECT_LT(chunk.bytes.size(), end + (16 << 10));
        keys += chunk.keys;
        format.pack(chunk, got);
      } while (left == EntryPieces::Left::kMore);
      EXPECT_EQ(got, expected) << end;
      EXPECT_EQ(keys, 1U);
    }
  }
}

TEST_P(EntryInPieces, IsForHugeOnesOnly) {
  const RdbEntryFormat format(Compression::kLzf, {});
  for (const std::uint64_t count : {1, 100, 1000}) {
    EXPECT_EQ(format.pieces(*entry_of(huge_value(GetParam(), count))), nullptr) << count;
  }
  EXPECT_NE(format.pieces(*entry_of(huge_value(GetParam(), 10'000))), nullptr);
}

TEST(IsHuge, KnowsAListOfAFewLongElements) {
  keyspace::Owned<keyspace::List> list(new keyspace::List());
  for (int i = 0; i < 3; ++i) list->push(keyspace::ListEnd::kRight, std::string(100'000, 'x'), {});
  EXPECT_TRUE(is_huge(*entry_of({std::move(list)})));
}

TEST(IsHuge, KnowsAStreamByItsPendingEntries) {
  keyspace::Owned<keyspace::Stream> stream(new keyspace::Stream());
  keyspace::StreamGroup& group = *stream->create_group("g", {}, std::nullopt);
  keyspace::StreamConsumer& consumer = group.consumer("c", 1).consumer;
  for (std::uint64_t i = 1; i <= 5000; ++i) group.assign({i, 0}, consumer);
  EXPECT_TRUE(is_huge(*entry_of({std::move(stream)})));
}

}  // namespace
}  // namespace ashlar::snapshot
