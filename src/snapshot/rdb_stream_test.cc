// Streams as RDB bytes: those of redis-server 7.0.15, older and newer forms made by hand, and both ways.
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "keyspace/entry.h"
#include "keyspace/values/stream.h"
#include "snapshot/dump_payload.h"

namespace ashlar::snapshot {
namespace {

using namespace std::string_literals;
using keyspace::Entry;
using keyspace::Owned;
using keyspace::OwnedValue;
using keyspace::Stream;
using keyspace::StreamGroup;
using keyspace::StreamId;

/// One node with the entry 1-1 `f v`, as Redis writes it.
const std::string kNode =
    "\x01\x10\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01"
    "\x1d\x1d\x00\x00\x00\x0a\x00\x01\x01\x00\x01\x01\x01\x81\x66\x02\x00\x01\x02\x01\x00\x01\x00\x01\x81\x76\x02\x04"
    "\x01\xff"s;
/// One entry, last and first id 1-1, nothing deleted, one added.
const std::string kTotals = "\x01\x01\x01\x01\x01\x00\x00\x01"s;
const std::string kNoGroups = "\x00"s;
const std::string kId = "\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01"s;
const std::string kTime = "\x05\x00\x00\x00\x00\x00\x00\x00"s;
const std::string kLater = "\x09\x00\x00\x00\x00\x00\x00\x00"s;

std::string sealed(std::string body) {
  seal_payload(body, 10);  // the version in which stream listpacks came
  return body;
}

Result<OwnedValue> restored(std::uint8_t type, const std::string& body) {
  return restore_value(sealed(static_cast<char>(type) + body));
}

bool is_refused(std::uint8_t type, const std::string& body) { return !restored(type, body).has_value(); }

std::string dumped(OwnedValue value) {
  Entry* entry = Entry::make_owned("k", std::move(value), std::nullopt);
  std::string payload = dump_value(*entry, Compression::kNone);
  Entry::destroy(entry);
  return payload;
}

/// A stream with one group `g` behind the node; `rest` is what follows the group's last id (and entries read).
std::string with_group(const std::string& rest) { return kNode + kTotals + "\x01\x01g\x01\x01\x01"s + rest; }

TEST(RdbStream, WritesTheBytesThatRedisWrites) {
  auto value = restored(19, kNode + kTotals + kNoGroups);
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(std::get<Owned<Stream>>(value->data)->last_id(), (StreamId{1, 1}));
  EXPECT_EQ(dumped(std::move(*value)), sealed("\x13"s + kNode + kTotals + kNoGroups));
}

TEST(RdbStream, GroupsKeepWhatIsPendingWithWhom) {
  const std::string body = with_group("\x01"s + kId + kTime + "\x03" + "\x02\x01" + "a" + kTime + "\x01" + kId +
                                      "\x01" + "b" + kLater + "\x00"s);
  auto value = restored(19, body);
  ASSERT_TRUE(value.has_value());
  const Stream& stream = *std::get<Owned<Stream>>(value->data);
  stream.check_invariants();
  const StreamGroup& group = *stream.find_group("g");
  EXPECT_EQ(group.last_id, (StreamId{1, 1}));
  EXPECT_EQ(group.entries_read, 1);
  EXPECT_EQ(group.pending().first().value().deliveries, 3U);
  EXPECT_EQ(group.pending().first().value().delivered_ms, 5);
  EXPECT_EQ(group.pending().first().value().consumer->name, "a");
  EXPECT_EQ(group.consumers().find("b")->second.seen_ms, 9);
  EXPECT_EQ(dumped(std::move(*value)), sealed("\x13"s + body));
}

TEST(RdbStream, ReadsTheFormOfRedis5) {
  auto value = restored(15, kNode + "\x01\x01\x01"s + "\x01\x01g\x01\x01\x00\x00"s);
  ASSERT_TRUE(value.has_value());
  const Stream& stream = *std::get<Owned<Stream>>(value->data);
  EXPECT_EQ(stream.entries_added(), 1U);
  EXPECT_EQ(stream.first_id(), (StreamId{1, 1}));
  EXPECT_EQ(stream.find_group("g")->entries_read, 1);
}

TEST(RdbStream, ReadsTheFormOfRedis72) {
  auto value = restored(21, with_group("\x00\x02\x01"s + "a" + kLater + kTime + "\x00"s + "\x01" + "b" + kLater +
                                       std::string(8, '\xff') + "\x00"s));
  ASSERT_TRUE(value.has_value());
  const auto& consumers = std::get<Owned<Stream>>(value->data)->find_group("g")->consumers();
  EXPECT_EQ(consumers.find("a")->second.active_ms, 5);
  EXPECT_EQ(consumers.find("b")->second.active_ms, std::nullopt);
}

TEST(RdbStream, RefusesGroupsThatContradictThemselves) {
  const std::string entry = kId + kTime + "\x01";
  const std::string a = "\x01"s + "a" + kTime;
  EXPECT_TRUE(is_refused(19, with_group("\x01"s + entry + "\x00"s)));                            // nobody's
  EXPECT_TRUE(is_refused(19, with_group("\x00\x01"s + a + "\x01" + kId)));                       // not the group's
  EXPECT_TRUE(is_refused(19, with_group("\x02"s + entry + entry + "\x01" + a + "\x01" + kId)));  // twice
  EXPECT_TRUE(is_refused(19, with_group("\x01"s + entry + "\x02" + a + "\x01" + kId + a + "\x00"s)));  // a twice
  EXPECT_TRUE(is_refused(19, with_group("\x01"s + entry + "\x01" + a + "\x02" + kId + kId)));          // in hand twice
  EXPECT_FALSE(is_refused(19, with_group("\x01"s + entry + "\x01" + a + "\x01" + kId)));
}

TEST(RdbStream, RefusesTotalsNodesAndEndsThatDoNotFit) {
  EXPECT_TRUE(is_refused(19, kNode + "\x02\x01\x01\x01\x01\x00\x00\x02"s + kNoGroups));  // two entries
  EXPECT_TRUE(is_refused(19, kNode + "\x01\x01\x00\x01\x01\x00\x00\x01"s + kNoGroups));  // last id 1-0
  EXPECT_TRUE(is_refused(19, kNode + kTotals));                                          // cut
  EXPECT_TRUE(is_refused(19, kNode + kTotals + kNoGroups + "x"));                        // longer
  std::string twice = kNode + kNode.substr(1);
  twice[0] = 2;
  EXPECT_TRUE(is_refused(19, twice + "\x02\x01\x01\x01\x01\x00\x00\x02"s + kNoGroups));
  EXPECT_TRUE(is_refused(19, "\x81\xff\xff\xff\xff\xff\xff\xff\xff"s + kNode.substr(1)));  // 2^64-1 nodes
}

}  // namespace
}  // namespace ashlar::snapshot
