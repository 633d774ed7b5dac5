#include "ds/packed_pairs.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "ds/listpack.h"

namespace ashlar::ds {
namespace {

using Texts = std::vector<std::pair<std::string, std::string>>;

Texts texts(const PackedPairs& pairs) {
  Texts out;
  pairs.view().for_each(
      [&](const PackedPair& pair) { out.emplace_back(pair.name.to_string(), pair.value.to_string()); });
  return out;
}

PackedPairs pairs_of(const Texts& texts) {
  PackedPairs pairs;
  for (const auto& [name, value] : texts) pairs.append(std::string_view(name), std::string_view(value));
  return pairs;
}

TEST(PackedPairs, TakeTheBytesOfNamesAndValuesAndOneMoreForEachShortOne) {
  const PackedPairs pairs = pairs_of({{"field:0", "value:0"}, {"field:1", "value:1"}});
  EXPECT_EQ(pairs.view().size_bytes(), 4U * 8);
  EXPECT_EQ(pairs.view().memory_bytes(), 32U);
}
TEST(PackedPairs, AllocateNothingWhenEmpty) {
  PackedPairs pairs;
  EXPECT_EQ(pairs.view().memory_bytes(), 0U);
  EXPECT_EQ(pairs.view().find(std::string_view("a")), pairs.view().stop());
  pairs.append(std::string_view("a"), 1);
  pairs.erase(pairs.view().seek(0));
  EXPECT_EQ(pairs.view().memory_bytes(), 0U);
  pairs.view().check_invariants();
  EXPECT_EQ(pairs.view().clone().count(), 0U);
}
TEST(PackedPairs, FindNamesNotValues) {
  const PackedPairs pairs = pairs_of({{"a", "b"}, {"b", "c"}, {"7", "a"}});
  const PackedPairsView view = pairs.view();
  EXPECT_EQ(view.find(std::string_view("b")), view.seek(1));
  EXPECT_EQ(view.find(7), view.seek(2));
  EXPECT_EQ(view.find(std::string_view("c")), view.stop());
}
TEST(PackedPairs, KeepItemsOfEveryLengthForm) {
  Texts expected;
  for (const std::size_t size : {0U, 63U, 64U, 4095U, 4096U, 70'000U}) {
    expected.emplace_back(std::string(size, 'n'), std::string(size, 'v'));
  }
  for (const char* number : {"0", "127", "-1", "4095", "-4097", "32768", "8388608", "2147483648", "007", "-0"}) {
    expected.emplace_back(number, number);
  }
  const PackedPairs pairs = pairs_of(expected);
  EXPECT_EQ(texts(pairs), expected);
  pairs.view().check_invariants();
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(pairs.view().find(std::string_view(expected[i].first)), pairs.view().seek(i)) << i;
  }
}
TEST(PackedPairs, GiveTheListpackThatRedisHasForThem) {
  Listpack expected;
  PackedPairs pairs;
  for (const std::size_t size : {1U, 63U, 125U, 126U, 127U, 4095U, 16'378U, 16'379U, 2'097'150U}) {
    const std::string text(size, 't');
    pairs.append(std::string_view(text), static_cast<std::int64_t>(size));
    expected.append(std::string_view(text));
    expected.append(static_cast<std::int64_t>(size));
  }
  std::string written = "before";
  pairs.view().append_listpack(written);
  EXPECT_TRUE(written == "before" + std::string(expected.view().blob()));
}
TEST(PackedPairs, GiveAListpackOfMoreEntriesThanItsHeaderCounts) {
  PackedPairs pairs;
  for (std::int64_t i = 0; i < 40'000; ++i) pairs.append(i, i);
  std::string written;
  pairs.view().append_listpack(written);
  const auto read = Listpack::validated(written);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->count(), 80'000U);
  EXPECT_EQ(read->view().blob(), written);
}

}  // namespace
}  // namespace ashlar::ds
