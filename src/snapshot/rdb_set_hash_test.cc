// Sets and hashes as RDB bytes: those of redis-server 7.0.15, older and newer forms made by hand, and both ways.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "keyspace/entry.h"
#include "keyspace/values/hash.h"
#include "keyspace/values/set.h"
#include "snapshot/dump_payload.h"

namespace ashlar::snapshot {
namespace {

using namespace std::string_literals;
using keyspace::Hash;
using keyspace::HashItem;
using keyspace::Owned;
using keyspace::OwnedValue;
using keyspace::Set;

using Texts = std::multiset<std::string>;

constexpr std::size_t kFooter = 10;

std::string sealed(std::string body) {
  seal_payload(body);
  return body;
}
std::string body_of(std::string payload) {
  payload.resize(payload.size() - kFooter);
  return payload;
}
std::string dumped(OwnedValue value) {
  keyspace::Entry* entry = keyspace::Entry::make_owned("k", std::move(value), std::nullopt);
  std::string payload = dump_value(*entry, Compression::kNone);
  keyspace::Entry::destroy(entry);
  return payload;
}
std::string again(const std::string& payload, const RdbLimits& limits = {}) {
  auto value = restore_value(payload, limits);
  return value ? body_of(dumped(std::move(*value))) : value.error().detail;
}

/// Encoding and members; the error text when the payload is refused.
Texts set_in(const std::string& payload, const RdbLimits& limits = {}) {
  const auto value = restore_value(payload, limits);
  if (!value) return {value.error().detail};
  const Set& set = *std::get<Owned<Set>>(value->data);
  Texts texts = {std::string(set.encoding_name())};
  set.for_each([&](const ds::PackedValue& member) { texts.insert(member.to_string()); });
  return texts;
}
/// Encoding, and "field=value" or "field=value@expiry"; the error text when the payload is refused.
Texts hash_in(const std::string& payload, const RdbLimits& limits = {}) {
  const auto value = restore_value(payload, limits);
  if (!value) return {value.error().detail};
  const Hash& hash = *std::get<Owned<Hash>>(value->data);
  Texts texts = {std::string(hash.encoding_name())};
  hash.for_each(keyspace::kAllFields, [&](const HashItem& item) {
    std::string text = item.field.to_string() + "=" + item.value.to_string();
    if (item.expiry_ms != keyspace::kNoExpiryMs) text += "@" + std::to_string(item.expiry_ms);
    texts.insert(std::move(text));
  });
  return texts;
}

TEST(RdbSet, ReadsAndWritesTheIntsetOfRedis) {
  const std::string payload =  // SADD s 1 2 -70000
      "\x0b\x14\x04\x00\x00\x00\x03\x00\x00\x00\x90\xee\xfe\xff\x01\x00\x00\x00\x02\x00\x00\x00\n\x00]\x9d\xf7\xda/C\xd0k"s;
  EXPECT_EQ(set_in(payload), (Texts{"intset", "1", "2", "-70000"}));
  EXPECT_EQ(again(payload), body_of(payload));
}
TEST(RdbSet, ReadsAndWritesTheStringsOfRedis) {
  const std::string payload =
      "\x02\x03\x01"
      "a\x02"
      "b1\xc1"
      "90\n\x00K\xc9\xa2\xa4"
      "2RR\xcf"s;  // SADD t a b1 12345
  EXPECT_EQ(set_in(payload), (Texts{"listpack", "a", "b1", "12345"}));
  EXPECT_EQ(again(payload), body_of(payload));
}
TEST(RdbSet, ReadsTheListpackOfRedis72AndWritesStrings) {
  const std::string payload = sealed("\x14\x0c\x0c\x00\x00\x00\x02\x00\x81\x61\x02\x05\x01\xff"s);
  EXPECT_EQ(set_in(payload), (Texts{"listpack", "a", "5"}));
  EXPECT_EQ(again(payload),
            "\x02\x02\x01"
            "a\xc0\x05"s);
}
TEST(RdbSet, EncodesByTheLimitsOfThisServer) {
  RdbLimits limits;
  limits.encoding.set_intset_entries = 1;
  limits.encoding.set_listpack_entries = 1;
  EXPECT_EQ(set_in(sealed("\x0b\x0c\x02\x00\x00\x00\x02\x00\x00\x00\x01\x00\x02\x00"s), limits),
            (Texts{"hashtable", "1", "2"}));
}
TEST(RdbSet, RefusesWhatNoSetIs) {
  for (const std::string& body :
       {"\x02\x00"s,
        "\x02\x02\x01"
        "a\x01"
        "a"s,
        "\x02\x03\x01"
        "a"s,
        "\x0b\x0c\x02\x00\x00\x00\x02\x00\x00\x00\x02\x00\x01\x00"s, "\x0b\x08\x02\x00\x00\x00\x00\x00\x00\x00"s,
        "\x14\x0b\x0b\x00\x00\x00\x02\x00\x05\x01\x05\x01\xff"s}) {
    EXPECT_FALSE(restore_value(sealed(body))) << body.size();
  }
}

TEST(RdbHash, ReadsAndWritesTheListpackOfRedis) {
  const std::string payload =  // HSET h f v n 12
      "\x10\x12\x12\x00\x00\x00\x04\x00\x81"
      "f\x02\x81v\x02\x81n\x02\x0c\x01\xff\n\x00\x01"
      "6\x94\x81\xd3[\x89t"s;
  EXPECT_EQ(hash_in(payload), (Texts{"listpack", "f=v", "n=12"}));
  EXPECT_EQ(again(payload), body_of(payload));
}
TEST(RdbHash, ReadsAndWritesThePairsOfRedis) {
  const std::string payload =
      "\x04\x02\x01"
      "f\x01v\x01n\xc0\x0c\n\x00*\xca\xb7\x13l\xa4\xa7\xab"s;
  EXPECT_EQ(hash_in(payload), (Texts{"listpack", "f=v", "n=12"}));
  RdbLimits limits;
  limits.encoding.hash_listpack_entries = 0;
  EXPECT_EQ(hash_in(payload, limits), (Texts{"hashtable", "f=v", "n=12"}));
  EXPECT_EQ(hash_in(sealed(again(payload, limits))), (Texts{"listpack", "f=v", "n=12"}));
}
TEST(RdbHash, ReadsTheZipmapOfRedis24) {
  EXPECT_EQ(hash_in(sealed("\x09\x0d\x02\x01"
                           "f\x03\x00val\x01g\x00\x00\xff"s)),
            (Texts{"listpack", "f=val", "g="}));
  EXPECT_EQ(hash_in(sealed("\x09\x0a\x01\x01"
                           "f\x01\x03vxxx\xff"s)),
            (Texts{"listpack", "f=v"}));
}
TEST(RdbHash, ReadsTheZiplistOfRedis6) {
  const std::string body =
      "\x0d\x10\x10\x00\x00\x00\x0d\x00\x00\x00\x02\x00\x00\x01"
      "f\x03\xf6\xff"s;
  EXPECT_EQ(hash_in(sealed(body)), (Texts{"listpack", "f=5"}));
}
TEST(RdbHash, ReadsTheExpiringPairsOfRedis74AndWritesThem) {
  // First expiry 1000; the expiry of "f" counts from it: 1 stands for 1000.
  const std::string body =
      "\x18\xe8\x03\x00\x00\x00\x00\x00\x00\x02\x01\x01"
      "f\x01v\x00\x01g\x01w"s;
  EXPECT_EQ(hash_in(sealed(body)), (Texts{"hashtable", "f=v@1000", "g=w"}));
  EXPECT_EQ(hash_in(sealed(again(sealed(body)))), (Texts{"hashtable", "f=v@1000", "g=w"}));
}
TEST(RdbHash, ReadsTheExpiringListpackOfRedis74) {
  const std::string body =
      "\x19\xe8\x03\x00\x00\x00\x00\x00\x00\x18\x18\x00\x00\x00\x06\x00\x81"
      "f\x02\x81v\x02\xc3\xe8\x02\x81g\x02\x81w\x02\x00\x01\xff"s;
  EXPECT_EQ(hash_in(sealed(body)), (Texts{"hashtable", "f=v@1000", "g=w"}));
}
TEST(RdbHash, RefusesWhatNoHashIs) {
  for (const std::string& body : {"\x04\x00"s,
                                  "\x04\x02\x01"
                                  "f\x01v\x01"
                                  "f\x01w"s,
                                  "\x04\x01\x01"
                                  "f"s,
                                  "\x09\x01\xff"s, "\x09\x02\x00\xff"s,
                                  "\x09\x06\x01\x05"
                                  "f\x01\x00\xff"s,
                                  "\x09\x08\x01\xfe\xff\xff\xff\xff"
                                  "f\xff"s,
                                  "\x10\x0a\x0a\x00\x00\x00\x01\x00\x81"
                                  "f\x02\xff"s,
                                  "\x18\x00\x00\x00\x00\x00\x00\x00\x00\x01\x01\x01"
                                  "f\x01v"s}) {
    EXPECT_FALSE(restore_value(sealed(body))) << body.size();
  }
}

}  // namespace
}  // namespace ashlar::snapshot
