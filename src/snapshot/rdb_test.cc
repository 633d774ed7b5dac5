// The RDB codec against bytes written by redis-server 7.0.15 and against bytes made by hand from docs/formats/rdb.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/bytes.h"
#include "keyspace/db.h"
#include "keyspace/slot_guard.h"
#include "keyspace/values/list.h"
#include "snapshot/dump_payload.h"
#include "snapshot/rdb_format.h"
#include "snapshot/rdb_load.h"
#include "snapshot/rdb_reader.h"
#include "snapshot/rdb_writer.h"

namespace ashlar::snapshot {
namespace {

using keyspace::Entry;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

std::string from_hex(std::string_view hex) {
  std::string out;
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1])));
  }
  return out;
}

std::string hex_of(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    out += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    out += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

/// A file of redis-server 7.0.15: eight keys in database 0, one in database 3, one function, LRU policy.
const std::string& redis_file() {
  static const std::string kFile = from_hex(
      "524544495330303130fa0972656469732d76657206372e302e3135fa0a72656469732d62697473c040fa056374696d65c26128036bfa0875"
      "7365642d6d656dc208dc0f00fa08616f662d62617365c000f5404223216c7561206e616d653d660a72656469732e72656769737465725f66"
      "756e6374696f6e282767272c2066756e6374696f6e28292072657475726e203120656e6429fe00fb0801f8010003693332c290eefefffc7b"
      "d8c32cbb030000f80000056c617465720176f80000067061636b6564c30a407802616261e06a01016162f8000005656d70747900f8010002"
      "6938c0fbf8010003693136c12c01f80100036936341039303037313939323534373430393933f8000004746578740568656c6c6ffe03fb01"
      "00f80100056f74686572c001ffba266679a9706fca");
  return kFile;
}

struct Recorder final : RdbVisitor {
  Result<void> entry(DbIndex db, std::string_view key, keyspace::OwnedValue value, const EntryExtras& extras) override {
    const auto* number = std::get_if<std::int64_t>(&value.data);
    std::string line = std::to_string(db.value) + ":" + std::string(key) + "=" +
                       (number != nullptr ? "#" + std::to_string(*number) : std::get<std::string>(value.data));
    if (extras.expiry) line += " expiry " + std::to_string(unix_millis(*extras.expiry));
    if (extras.idle) line += " idle " + std::to_string(extras.idle->count());
    if (extras.freq) line += " freq " + std::to_string(*extras.freq);
    entries.push_back(line);
    return {};
  }
  Result<void> aux(std::string_view name, std::string_view value) override {
    aux_fields[std::string(name)] = value;
    return {};
  }
  Result<void> resize_db(DbIndex db, std::uint64_t keys, std::uint64_t expires) override {
    sizes.push_back(std::to_string(db.value) + ":" + std::to_string(keys) + "/" + std::to_string(expires));
    return {};
  }
  Result<void> function(std::string_view code) override {
    functions.emplace_back(code);
    return {};
  }
  void warning(std::string_view text) override { warnings.emplace_back(text); }

  std::vector<std::string> entries, sizes, functions, warnings;
  std::map<std::string, std::string> aux_fields;
};

/// Hands out one byte at a time, as a slow socket may.
class SlowSource final : public ByteSource {
 public:
  explicit SlowSource(std::string_view bytes) : inner_(bytes) {}
  Result<std::size_t> read(std::span<char> room) override { return inner_.read(room.first(1)); }

 private:
  StringSource inner_;
};

/// The text of the error, or "" when the file is read.
std::string error_of(std::string_view file, Recorder* recorder = nullptr) {
  Recorder own;
  StringSource source(file);
  RdbReader reader(source, recorder != nullptr ? *recorder : own);
  const auto done = reader.read();
  return done ? "" : done.error().detail;
}

/// A file of version `version` with these records, end mark and no checksum.
std::string file_of(std::string_view hex_records, std::string_view version = "0009") {
  return "REDIS" + std::string(version) + from_hex(hex_records) + "\xFF" + std::string(8, '\0');
}

TEST(RdbReader, ReadsAFileOfRedis) {
  Recorder r;
  StringSource source(redis_file());
  RdbReader reader(source, r);
  ASSERT_TRUE(reader.read());
  std::string packed;
  for (int i = 0; i < 60; ++i) packed += "ab";
  EXPECT_THAT(r.entries,
              ElementsAre("0:i32=#-70000 idle 1", "0:later=v expiry 4102444800123 idle 0",
                          "0:packed=" + packed + " idle 0", "0:empty= idle 0", "0:i8=#-5 idle 1", "0:i16=#300 idle 1",
                          "0:i64=9007199254740993 idle 1", "0:text=hello idle 0", "3:other=#1 idle 1"));
  EXPECT_EQ(r.aux_fields["redis-ver"], "7.0.15");
  EXPECT_EQ(r.aux_fields["aof-base"], "0");
  EXPECT_THAT(r.sizes, ElementsAre("0:8/1", "3:1/0"));
  EXPECT_THAT(r.functions, ElementsAre(HasSubstr("redis.register_function")));
  EXPECT_EQ(reader.version(), 10);
  EXPECT_EQ(reader.offset(), redis_file().size());
}

TEST(RdbReader, ReadsTheSameFromASourceOfSingleBytes) {
  Recorder whole;
  Recorder slow;
  StringSource source(redis_file());
  SlowSource slow_source(redis_file());
  ASSERT_TRUE(RdbReader(source, whole).read());
  ASSERT_TRUE(RdbReader(slow_source, slow).read());
  EXPECT_EQ(whole.entries, slow.entries);
}

TEST(RdbReader, LeavesWhatFollowsTheChecksum) {
  Recorder r;
  const std::string bytes = redis_file() + "*1\r\n$4\r\nPING\r\n";
  StringSource source(bytes);
  RdbReader reader(source, r);
  ASSERT_TRUE(reader.read());
  EXPECT_EQ(reader.leftover(), "*1\r\n$4\r\nPING\r\n");
}

TEST(RdbReader, RefusesEveryTruncationWithAnOffset) {
  for (std::size_t n = 0; n < redis_file().size(); ++n) {
    EXPECT_THAT(error_of(redis_file().substr(0, n)), HasSubstr(" at offset ")) << n;
  }
}

TEST(RdbReader, RefusesAChangedByteByTheChecksum) {
  std::string file = redis_file();
  file[file.find("hello")] = 'j';
  EXPECT_THAT(error_of(file), AllOf(HasSubstr("RDB CRC error"), EndsWith(std::to_string(file.size() - 8))));
}

TEST(RdbReader, AcceptsZeroForNoChecksum) { EXPECT_EQ(error_of(file_of("00016b0176")), ""); }

TEST(RdbReader, ReadsOldFilesWithoutChecksumAndWithExpiriesInSeconds) {
  Recorder r;
  EXPECT_EQ(error_of("REDIS0003" + from_hex("fe00fd00ca9a3b00016b0176ff"), &r), "");
  EXPECT_THAT(r.entries, ElementsAre("0:k=v expiry 1000000000000"));
}

TEST(RdbReader, ReadsLongLengthsAndFrequencies) {
  Recorder r;
  // key "k" with a 32-bit length, value "v" with a 64-bit length, freq 200
  EXPECT_EQ(error_of(file_of("f9c800800000000"
                             "16b81000000000000000176"),
                     &r),
            "");
  EXPECT_THAT(r.entries, ElementsAre("0:k=v freq 200"));
}

TEST(RdbReader, ForgetsExpiryAndClockAfterTheirKey) {
  Recorder r;
  EXPECT_EQ(error_of(file_of("f905fc010000000000000000016101780001620179"), &r), "");
  EXPECT_THAT(r.entries, ElementsAre("0:a=x expiry 1 freq 5", "0:b=y"));
}

TEST(RdbReader, SkipsModuleDataWithAWarning) {
  Recorder r;
  // module id 5; unsigned 2, signed 1, float, double, string "xy", end
  EXPECT_EQ(error_of(file_of("f7050202010103000000000400000000000000000502787900"
                             "00016b0176"),
                     &r),
            "");
  EXPECT_THAT(r.warnings, ElementsAre(HasSubstr("module type AAAAAAAAA")));
  EXPECT_THAT(r.entries, ElementsAre("0:k=v"));
}

TEST(RdbReader, SkipsSlotHintsOfVersion12) {
  Recorder r;
  EXPECT_EQ(error_of(file_of("f440050101"
                             "00016b0176",
                             "0012"),
                     &r),
            "");
  EXPECT_THAT(r.entries, ElementsAre("0:k=v"));
}

TEST(RdbReader, NamesTypeKeyAndOffsetOfAValueItCannotStore) {
  EXPECT_EQ(error_of(file_of("07046c697374020161")),
            "value of key \"list\" has type 7 (module), which this build does not store at offset 9");
}

TEST(RdbReader, RefusesVersionsItDoesNotKnow) {
  EXPECT_THAT(error_of(file_of("", "0013")), HasSubstr("version 13"));
  EXPECT_THAT(error_of(file_of("", "0000")), HasSubstr("version 0"));
  EXPECT_THAT(error_of(file_of("", "00x1")), HasSubstr("not a number"));
  EXPECT_THAT(error_of("RADISH012345"), HasSubstr("signature"));
}

TEST(RdbReader, RefusesAnnouncedSizesBeforeTakingMemory) {
  // 2^63 bytes announced, three there
  EXPECT_THAT(error_of(file_of("00016b818000000000000000616263")), HasSubstr("longer than the limit"));
  // 400 MB announced, three there: within the limit, but the bytes do not come
  EXPECT_THAT(error_of(file_of("00016b8017d78400616263")), HasSubstr("unexpected end"));
  // LZF: 3 bytes that claim to unpack to 1 MB
  EXPECT_THAT(error_of(file_of("00016bc3038000100000616263")), HasSubstr("cannot hold"));
  // LZF: a literal run of one byte that claims to be 2
  EXPECT_THAT(error_of(file_of("00016bc302020061")), HasSubstr("does not unpack"));
}

TEST(RdbReader, RefusesUnknownEncodings) {
  EXPECT_THAT(error_of(file_of("00016b82")), HasSubstr("unknown length form 0x82"));
  EXPECT_THAT(error_of(file_of("00016bc4")), HasSubstr("unknown string form 4"));
  EXPECT_THAT(error_of(file_of("fec0")), HasSubstr("a length is expected"));
  EXPECT_THAT(error_of(file_of("fcffffffffffffff7f00016b0176")), HasSubstr("out of range"));
}

TEST(RdbEncode, ChoosesTheShortestForms) {
  const auto encoded = [](std::string_view text) {
    std::string out;
    rdb::append_string(out, text, Compression::kLzf);
    return hex_of(out);
  };
  EXPECT_EQ(encoded("-5"), "c0fb");
  EXPECT_EQ(encoded("300"), "c12c01");
  EXPECT_EQ(encoded("-70000"), "c290eefeff");
  EXPECT_EQ(encoded("2147483648"), "0a32313437343833363438");
  EXPECT_EQ(encoded("007"), "03303037");
  EXPECT_EQ(encoded("hello"), "0568656c6c6f");
  EXPECT_EQ(encoded("aaaaaaaaaaaaaaaaaaaa"), "14" + hex_of("aaaaaaaaaaaaaaaaaaaa"));  // 20 bytes: not tried
  std::string length;
  rdb::append_length(length, 63);
  rdb::append_length(length, 64);
  rdb::append_length(length, 16384);
  rdb::append_length(length, 1ULL << 32);
  EXPECT_EQ(hex_of(length),
            "3f"
            "4040"
            "8000004000"
            "810000000100000000");
}

TEST(RdbEncode, PacksDeferredStringsAsRedisDoes) {
  std::string text;
  for (int i = 0; i < 60; ++i) text += "ab";
  Entry* entry = Entry::make("packed", text, std::nullopt);
  Chunk chunk;
  rdb::append_entry(chunk, *entry, {}, Compression::kLzf);
  Entry::destroy(entry);
  std::string out;
  rdb::pack(chunk, Compression::kLzf, out);
  EXPECT_EQ(hex_of(out), "00067061636b6564c30a407802616261e06a01016162");
  EXPECT_EQ(chunk.keys, 1U);
}

TEST(RdbEncode, WritesExpiryAndClockBeforeTheKey) {
  Entry* entry = Entry::make_int("k", 7, wall_from_unix_millis(1));
  const WallTime now(Seconds(1'700'000'000));
  entry->set_clock(keyspace::lru_clock_for_idle(Seconds(100), now));
  Chunk chunk;
  rdb::append_entry(chunk, *entry, rdb::clock_fields(keyspace::EvictionPolicy::kAllKeysLru, {}, now),
                    Compression::kNone);
  EXPECT_EQ(hex_of(chunk.bytes), "fc0100000000000000f8406400016bc007");
  Entry::destroy(entry);
}

TEST(RdbWriter, WritesHeaderRecordsAndChecksum) {
  StringSink sink;
  RdbWriter writer(sink, Checksum::kCrc64);
  ASSERT_TRUE(writer.begin({{"redis-bits", "64"}}, {{DbIndex{0}, 1, 0}, {DbIndex{1}, 0, 0}}));
  ASSERT_TRUE(writer.write(from_hex("00016b0176")));
  ASSERT_TRUE(writer.end());
  const std::string body = "REDIS0009" + from_hex("fa0a72656469732d62697473c040fe00fb010000016b0176ff");
  char crc[8];
  store_le(crc, crc64(0, body));
  EXPECT_EQ(hex_of(sink.content()), hex_of(body + std::string(crc, 8)));
  EXPECT_EQ(writer.bytes_written(), sink.content().size());
  EXPECT_EQ(error_of(sink.content()), "");
}

TEST(RdbWriter, NamesTheFieldsOfRedis) {
  std::vector<std::string> names;
  const AuxInput input{.redis_version = "7.2.4",
                       .created = WallTime(Seconds(1)),
                       .used_memory = 5,
                       .purpose = RdbPurpose::kAofBase,
                       .replication = ReplicationAux{DbIndex{2}, NodeId(), ReplOffset{9}}};
  for (const AuxField& f : standard_aux(input)) names.push_back(f.name + "=" + f.value);
  EXPECT_THAT(names, ElementsAre("redis-ver=7.2.4", "redis-bits=64", "ctime=1", "used-mem=5", "repl-stream-db=2",
                                 "repl-id=0000000000000000000000000000000000000000", "repl-offset=9", "aof-base=1"));
}

TEST(DumpPayload, EqualsThatOfRedisExceptForTheVersion) {
  Entry* entry = Entry::make("text", "hello", std::nullopt);
  EXPECT_EQ(hex_of(dump_value(*entry)).substr(0, 18), "000568656c6c6f0900");
  Entry::destroy(entry);
}

TEST(DumpPayload, RestoresThePayloadsOfRedis) {
  const auto text =
      restore_value(std::string_view("\x00\x05hello\n\x00"
                                     "cr\xdfve4 \n",
                                     17));
  ASSERT_TRUE(text) << text.error().detail;
  EXPECT_EQ(std::get<std::string>(text->data), "hello");
  const auto number =
      restore_value(std::string_view("\x00\xc1,\x01\n\x00\x95"
                                     "Ba\xf2"
                                     "e\x82\\\x10",
                                     14));
  ASSERT_TRUE(number) << number.error().detail;
  EXPECT_EQ(std::get<std::int64_t>(number->data), 300);
}

TEST(DumpPayload, HasTheLowestVersionThatHasItsValue) {
  const auto version = [](const keyspace::Entry* entry) {
    const std::string payload = dump_value(*entry);
    return load_le<std::uint16_t>(payload.data() + payload.size() - 10);
  };
  Entry* text = Entry::make("k", "v", std::nullopt);
  EXPECT_EQ(version(text), 9);
  Entry::destroy(text);
  keyspace::Owned<keyspace::List> list(new keyspace::List());
  list->push(keyspace::ListEnd::kRight, "v", {});
  Entry* entry = Entry::make_owned("k", keyspace::OwnedValue{std::move(list)}, std::nullopt);
  EXPECT_EQ(version(entry), 10);
  Entry::destroy(entry);
}

TEST(DumpPayload, RefusesWrongFooterAndBadContent) {
  const auto error = [](std::string payload, bool seal) {
    if (seal) seal_payload(payload);
    const auto value = restore_value(payload);
    return value ? std::string() : value.error().detail;
  };
  constexpr auto kFooter = "DUMP payload version or checksum are wrong";
  EXPECT_EQ(error("", false), kFooter);
  EXPECT_EQ(error(std::string("\0\1x", 3) + "\x09" + std::string(9, '\0'), false), kFooter);
  EXPECT_EQ(error("", true), "Bad data format");
  EXPECT_EQ(error(std::string("\0\5x", 3), true), "Bad data format");
  EXPECT_EQ(error(std::string("\0\1xy", 4), true), "Bad data format");
  EXPECT_EQ(error("\7\1x", true),
            "Bad data format: the payload holds type 7 (module), which this build does not store");
  std::string future("\0\1x\xff\x00", 5);
  char crc[8];
  store_le(crc, crc64(0, future));
  EXPECT_EQ(error(future + std::string(crc, 8), false), kFooter);
}

class RdbLoad : public ::testing::Test {
 protected:
  std::string get(std::uint32_t db, std::string_view key) {
    const auto ref = keys.ref(key);
    const keyspace::SlotGuard guard(keys, ref.slot);
    keyspace::Entry* e = keyspace::Db(keys, DbIndex{db}, context).find(ref, keyspace::Access::kPeek);
    DecimalBuffer buffer;
    return e == nullptr ? "(nil)" : std::string(e->text(buffer));
  }
  Result<LoadReport> load(std::string_view file, ExpiredKeys expired = ExpiredKeys::kSkip) {
    StringSource source(file);
    return load_rdb(keys, source, {.now = context.now, .expired = expired});
  }

  keyspace::Keyspace keys{4};
  Rng rng{1};
  keyspace::AccessContext context{.now = WallTime(Seconds(1'700'000'000)),
                                  .expiry_role = keyspace::ExpiryRole::kApply,
                                  .counters = &keys.add_counters(),
                                  .rng = &rng};
};

TEST_F(RdbLoad, PutsTheKeysOfAFileIntoTheirDatabases) {
  const auto report = load(redis_file());
  ASSERT_TRUE(report) << report.error().detail;
  EXPECT_EQ(report->total.keys_loaded, 9U);
  EXPECT_EQ(report->total.bytes, redis_file().size());
  EXPECT_EQ(get(0, "i64"), "9007199254740993");
  EXPECT_EQ(get(0, "i8"), "-5");
  EXPECT_EQ(get(0, "empty"), "");
  EXPECT_EQ(get(3, "other"), "1");
  EXPECT_EQ(get(0, "other"), "(nil)");
  EXPECT_EQ(keys.size(DbIndex{0}).keys, 8U);
  EXPECT_EQ(keys.size(DbIndex{0}).expires, 1U);
}

TEST_F(RdbLoad, SkipsExpiredKeysUnlessToldToKeepThem) {
  const std::string file = file_of("fc010000000000000000016b0176");
  const auto skipped = load(file);
  ASSERT_TRUE(skipped);
  EXPECT_EQ(skipped->total.keys_expired, 1U);
  EXPECT_EQ(get(0, "k"), "(nil)");
  const auto kept = load(file, ExpiredKeys::kKeep);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->total.keys_loaded, 1U);
  EXPECT_EQ(get(0, "k"), "v");
}

TEST_F(RdbLoad, SkipsKeysThatHoldNothing) {
  // A list, a set, a sorted set, a hash, and packed forms of them, all without elements.
  const auto good =
      load(file_of("01016c00"
                   "02017300"
                   "05017a00"
                   "04016800"
                   "10016d07070000000000ff"
                   "0a016e0b0b0000000a0000000000ff"
                   "00016b0176"));
  ASSERT_TRUE(good) << good.error().detail;
  EXPECT_EQ(good->total.keys_empty, 6U);
  EXPECT_EQ(good->total.keys_loaded, 1U);
  EXPECT_EQ(keys.size(DbIndex{0}).keys, 1U);
}

TEST_F(RdbLoad, RefusesADatabaseItDoesNotHave) {
  const auto report = load(file_of("fe0400016b0176"));
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().detail, "data of database 4, but this server has only 4 databases at offset 11");
}

TEST_F(RdbLoad, RefusesAKeyThatStandsTwice) {
  const auto report = load(file_of("00016b017600016b0177"));
  ASSERT_FALSE(report);
  EXPECT_THAT(report.error().detail, HasSubstr("key \"k\" of database 0 stands there twice"));
}

TEST_F(RdbLoad, FindsTheReplicationFields) {
  StringSink sink;
  RdbWriter writer(sink, Checksum::kNone);
  const auto id = NodeId::from_hex("0123456789abcdef0123456789abcdef01234567");
  ASSERT_TRUE(writer.begin(standard_aux({.replication = ReplicationAux{DbIndex{3}, *id, ReplOffset{77}}}), {}));
  ASSERT_TRUE(writer.end());
  const auto report = load(sink.content());
  ASSERT_TRUE(report);
  ASSERT_TRUE(report->replication);
  EXPECT_EQ(report->replication->history, *id);
  EXPECT_EQ(report->replication->offset.value, 77);
  EXPECT_EQ(report->replication->stream_db.value, 3U);
}

TEST_F(RdbLoad, RestoresTheAccessClock) {
  keys.access().policy = keyspace::EvictionPolicy::kAllKeysLru;
  ASSERT_TRUE(load(file_of("f8406400016b0176")));
  const auto ref = keys.ref("k");
  const keyspace::SlotGuard guard(keys, ref.slot);
  keyspace::Entry* e = keyspace::Db(keys, DbIndex{0}, context).find(ref, keyspace::Access::kPeek);
  ASSERT_NE(e, nullptr);
  EXPECT_EQ(keyspace::lru_idle(e->clock(), context.now).count(), 100);
}

TEST_F(RdbLoad, StopsWhenTheListenerSaysSo) {
  StringSource source(redis_file());
  const auto report = load_rdb(keys, source, {.now = context.now, .progress = [](const LoadProgress&) -> Result<void> {
                                                return fail("told to stop");
                                              }});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().detail, "told to stop");
}

}  // namespace
}  // namespace ashlar::snapshot
