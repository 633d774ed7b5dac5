// Lists as RDB bytes: those of redis-server 7.0.15, older forms made by hand, and both ways.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/rng.h"
#include "keyspace/entry.h"
#include "keyspace/values/list.h"
#include "snapshot/dump_payload.h"

namespace ashlar::snapshot {
namespace {

using namespace std::string_literals;
using keyspace::EncodingLimits;
using keyspace::Entry;
using keyspace::List;
using keyspace::ListEnd;
using keyspace::Owned;
using keyspace::OwnedValue;

using Texts = std::vector<std::string>;

std::string sealed(std::string body) {
  seal_payload(body);
  return body;
}

Texts texts(const List& list) {
  Texts out;
  for (auto at = list.seek(0); !at.at_end(); at.step(ListEnd::kLeft)) out.push_back(at.value().to_string());
  return out;
}

/// Elements of the list that a payload holds, after its encoding; the error text when it is refused.
Texts restored(const std::string& payload, const RdbLimits& limits = {}) {
  const auto value = restore_value(payload, limits);
  if (!value) return {value.error().detail};
  const List& list = *std::get<Owned<List>>(value->data);
  Texts out = {std::string(list.encoding_name())};
  for (auto& text : texts(list)) out.push_back(std::move(text));
  return out;
}

std::string dumped(Owned<List> list) {
  Entry* entry = Entry::make_owned("k", OwnedValue{std::move(list)}, std::nullopt);
  std::string payload = dump_value(*entry, Compression::kNone);
  Entry::destroy(entry);
  return payload;
}

TEST(RdbList, ReadsAndWritesTheBytesOfRedis) {
  // DUMP by redis-server 7.0.15 after RPUSH l a 1 -1 4095 -4097 70000 hello.
  const std::string payload =
      "\x12\x01\x02\"\"\x00\x00\x00\x07\x00\x81"
      "a\x02\x01\x01\xdf\xff\x02\xcf\xff\x02\xf1\xff\xef\x03\xf2p\x11\x01\x04\x85hello\x06\xff\n\x00\xbc\xbbw\x9c*\x1ai"
      "\xd8"s;
  EXPECT_EQ(restored(payload), (Texts{"listpack", "a", "1", "-1", "4095", "-4097", "70000", "hello"}));
  auto value = restore_value(payload, {});
  ASSERT_TRUE(value.has_value());
  const std::string again = dumped(std::move(std::get<Owned<List>>(value->data)));
  const std::size_t footer = 10;
  EXPECT_EQ(again.substr(0, again.size() - footer), payload.substr(0, payload.size() - footer));
}

TEST(RdbList, ReadsTheFormsOfOlderVersions) {
  EXPECT_EQ(restored(sealed("\x01\x03\x01"
                            "a\xC0\x05\x02zz"s)),
            (Texts{"listpack", "a", "5", "zz"}));
  const std::string ziplist =
      "\x10\x00\x00\x00\x0D\x00\x00\x00\x02\x00"
      "\x00\x01"
      "a"
      "\x03\xF6"
      "\xFF"s;
  EXPECT_EQ(restored(sealed("\x0A\x10"s + ziplist)), (Texts{"listpack", "a", "5"}));
  EXPECT_EQ(restored(sealed("\x0E\x02\x10"s + ziplist + "\x10"s + ziplist)), (Texts{"quicklist", "a", "5", "a", "5"}));
}

TEST(RdbList, RefusesUnknownNodesEmptyListsAndBadListpacks) {
  const Texts bad = {"Bad data format"};
  EXPECT_EQ(restored(sealed("\x12\x01\x03\x01"
                            "a"s)),
            bad);
  EXPECT_EQ(restored(sealed("\x12\x00"s)), bad);
  EXPECT_EQ(restored(sealed("\x12\x01\x02\x07\x07\x00\x00\x00\x00\x00\xFF"s)), bad);
  EXPECT_EQ(restored(sealed("\x12\x01\x02\x07\x07\x00\x00\x00\x01\x00\xFF"s)), bad);
  EXPECT_EQ(restored(sealed("\x12\x02\x02\x09\x09\x00\x00\x00\x01\x00\x05\x01\xFF"s)), bad);
}

TEST(RdbList, KeepsEveryListAcrossDumpAndRestore) {
  Rng rng(3);
  for (const std::int32_t size : {2, 100, -1}) {
    RdbLimits limits;
    limits.encoding.list_listpack_size = size;
    limits.encoding.list_compress_depth = 1;
    for (const int count : {1, 3, 500}) {
      Owned<List> list(new List());
      Texts expected;
      for (int i = 0; i < count; ++i) {
        expected.push_back(rng.chance(0.02) ? std::string(5000, 'x') : std::to_string(rng.below(1000)));
        list->push(ListEnd::kRight, expected.back(), limits.encoding);
      }
      const auto again = restore_value(dumped(std::move(list)), limits);
      ASSERT_TRUE(again.has_value());
      EXPECT_EQ(texts(*std::get<Owned<List>>(again->data)), expected);
    }
  }
}

}  // namespace
}  // namespace ashlar::snapshot
