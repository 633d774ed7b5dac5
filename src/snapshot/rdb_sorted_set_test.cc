// Sorted sets in RDB bytes: payloads written by redis-server 7.0.15, and bytes made by hand from docs/formats/rdb.md.
#include <gtest/gtest.h>

#include <string>

#include "keyspace/values/sorted_set.h"
#include "snapshot/dump_payload.h"

namespace ashlar::snapshot {
namespace {

using keyspace::Owned;
using keyspace::OwnedValue;
using keyspace::SortedSet;

std::string from_hex(std::string_view hex) {
  std::string out;
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1])));
  }
  return out;
}

/// "member=score member=score", or the error.
std::string shown(const Result<OwnedValue>& value) {
  if (!value) return "error: " + std::string(value.error().text());
  const auto& set = std::get<Owned<SortedSet>>(value->data);
  set->check_invariants();
  std::string out;
  for (auto at = set->first(); !at.at_end(); at.forward()) {
    const auto e = at.element();
    out += (out.empty() ? "" : " ") + std::string(e.member) + "=" + format_double(e.score);
  }
  return out;
}
std::string restored(std::string body) {
  seal_payload(body);
  return shown(restore_value(body));
}
bool refused(const std::string& body) { return restored(body).starts_with("error: "); }

// DUMP of {m4 -7, a 1, b 2.5, c inf}, first as a listpack, then as a skiplist.
constexpr std::string_view kListpackPayload =
    "1123230000000800826d3403dff902816102010181620283322e350481630283696e6604ff0a003482777c97bc0ce5";
constexpr std::string_view kSkiplistPayload =
    "05040163000000000000f07f016200000000000004400161000000000000f03f026d340000000000001cc00a00d9da0e9669a6f02d";

TEST(RdbSortedSet, ReadsBothFormsOfRedis) {
  EXPECT_EQ(shown(restore_value(from_hex(kListpackPayload))), "m4=-7 a=1 b=2.5 c=inf");
  EXPECT_EQ(shown(restore_value(from_hex(kSkiplistPayload))), "m4=-7 a=1 b=2.5 c=inf");
}

TEST(RdbSortedSet, ReadsScoresAsTextOfOldFiles) {
  EXPECT_EQ(restored(std::string("\x03\x03\x01"
                                 "a\x03"
                                 "1.5\x01"
                                 "b\xfe\x01"
                                 "c\xff",
                                 14)),
            "c=-inf a=1.5 b=inf");
}

TEST(RdbSortedSet, ReadsTheZiplistOfRedisBefore7) {
  // {a 1, b 5}: 4 entries, integers 0..12 inside their first byte.
  EXPECT_EQ(restored(from_hex("0c15"
                              "15000000"
                              "12000000"
                              "0400"
                              "000161"
                              "03f2"
                              "020162"
                              "03f6"
                              "ff")),
            "a=1 b=5");
}

TEST(RdbSortedSet, RefusesWhatIsNoSortedSet) {
  EXPECT_TRUE(refused(std::string("\x03\x00", 2)));  // empty
  EXPECT_TRUE(
      refused(std::string("\x03\x01\x01"
                          "a\xfd",
                          5)));  // nan
  EXPECT_TRUE(
      refused(std::string("\x03\x01\x01"
                          "a\x01x",
                          6)));  // no number
  EXPECT_TRUE(
      refused(std::string("\x03\x02\x01"
                          "a\x01"
                          "1\x01"
                          "a\x01"
                          "2",
                          10)));  // twice
  EXPECT_TRUE(
      refused(std::string("\x05\x01\x01"
                          "a\x00\x00\x00\x00\x00\x00\xf8\x7f",
                          12)));  // nan
  EXPECT_TRUE(
      refused(std::string("\x05\x02\x01"
                          "a\x00\x00\x00\x00\x00\x00\xf0\x3f",
                          12)));                             // one is missing
  EXPECT_TRUE(refused(from_hex("11090900000001000101ff")));  // a member without score
  EXPECT_TRUE(refused(from_hex("1107070000000000ff")));      // empty
}

TEST(RdbSortedSet, WritesWhatItReads) {
  for (const std::uint64_t limit : {0U, 1000U}) {
    keyspace::EncodingLimits limits;
    limits.zset_listpack_entries = limit;
    Owned<SortedSet> set(new SortedSet());
    for (int i = 0; i < 500; ++i) set->add("member " + std::to_string(i * 7919 % 500), i * 0.25 - 3, {}, limits);
    set->add(std::string(1000, 'x'), -1e300, {}, limits);
    keyspace::Entry* entry = keyspace::Entry::make_owned("key", OwnedValue{std::move(set)}, std::nullopt);
    const std::string before = shown(entry->copy_value());
    EXPECT_EQ(shown(restore_value(dump_value(*entry))), before);
    keyspace::Entry::destroy(entry);
  }
}

TEST(RdbSortedSet, KeepsTheSignOfAZeroThatStandsBeforeAMemberTooLongForAListpack) {
  keyspace::EncodingLimits index;
  index.zset_listpack_entries = 0;
  Owned<SortedSet> set(new SortedSet());
  set->add("a", -0.0, {}, index);
  set->add(std::string(1000, 'x'), 1, {}, index);
  keyspace::Entry* entry = keyspace::Entry::make_owned("key", OwnedValue{std::move(set)}, std::nullopt);
  const std::string once = dump_value(*entry);
  keyspace::Entry* twin = keyspace::Entry::make_owned("key", std::move(*restore_value(once)), std::nullopt);
  EXPECT_EQ(dump_value(*twin), once);
  keyspace::Entry::destroy(entry);
  keyspace::Entry::destroy(twin);
}

}  // namespace
}  // namespace ashlar::snapshot
