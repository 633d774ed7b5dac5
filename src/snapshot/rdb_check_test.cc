// What ashlar-check-rdb says. Expected lines are those of redis-check-rdb 7.0.15 for the same bytes, but for the text
// of an error inside a value and for keys without elements, which Redis calls an unexpected end.
#include "snapshot/rdb_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/testing/faulty_file_system.h"

namespace ashlar::snapshot {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr WallTime kNow{Seconds(1'700'000'000)};

std::string text(std::string_view s) { return std::string(1, static_cast<char>(s.size())) + std::string(s); }

std::string sealed(std::string bytes) {
  bytes += '\xff';
  char crc[8];
  store_le(crc, crc64(0, bytes));
  return bytes.append(crc, sizeof crc);
}

std::string rdb(std::string_view records, std::string_view header = "REDIS0009") {
  return sealed(std::string(header) + std::string(records));
}

struct Checked {
  std::optional<std::uint64_t> length;
  std::string said;
};

Checked check(std::string_view bytes) {
  Checked checked;
  StringSource source(bytes);
  checked.length = check_rdb(source, "dump.rdb", kNow, [&](std::string_view line) { checked.said += line; });
  return checked;
}

TEST(RdbCheck, TellsWhatASaneFileHolds) {
  const std::string expiry("\xfc\xe8\x03\0\0\0\0\0\0", 9);  // one second after the epoch
  const std::string file =
      rdb("\xfa" + text("redis-ver") + text("7.0.15") + std::string("\xfe\0\xfb\2\1", 5) + expiry +
          std::string(1, '\0') + text("k") + text("v") + std::string(1, '\0') + text("k2") + "\xc0\x05");
  const Checked checked = check(file);
  EXPECT_EQ(checked.length, 61U);
  EXPECT_EQ(checked.said,
            "[offset 0] Checking RDB file dump.rdb\n"
            "[offset 27] AUX FIELD redis-ver = '7.0.15'\n"
            "[offset 29] Selecting DB ID 0\n"
            "[offset 61] Checksum OK\n"
            "[offset 61] \\o/ RDB looks OK! \\o/\n"
            "[info] 2 keys read\n"
            "[info] 1 expires\n"
            "[info] 1 already expired\n");
}

TEST(RdbCheck, StopsBehindTheStream) {
  const std::string file = rdb("");
  EXPECT_EQ(check(file + "*1\r\n$4\r\nPING\r\n").length, file.size());
}

TEST(RdbCheck, TellsAWrongChecksum) {
  std::string file = rdb(std::string(1, '\0') + text("k") + text("v"));
  file.back() = static_cast<char>(file.back() ^ 1);
  const Checked checked = check(file);
  EXPECT_FALSE(checked.length);
  EXPECT_THAT(checked.said, EndsWith("--- RDB ERROR DETECTED ---\n[offset 23] RDB CRC error\n"
                                     "[additional info] While doing: check-sum\n"
                                     "[info] 1 keys read\n[info] 0 expires\n[info] 0 already expired\n"));
}

TEST(RdbCheck, TellsThatThereIsNoChecksum) {
  std::string file = rdb("");
  file.replace(file.size() - 8, 8, 8, '\0');
  EXPECT_THAT(check(file).said, HasSubstr("RDB file was saved with checksum disabled: no check performed."));
}

TEST(RdbCheck, NamesTheKeyInWhichAFileEnds) {
  const Checked checked = check("REDIS0009\x02" + text("key") + "\x03" + text("v"));
  EXPECT_FALSE(checked.length);
  EXPECT_THAT(checked.said, EndsWith("[offset 17] Unexpected EOF reading RDB file\n"
                                     "[additional info] While doing: read-object-value\n"
                                     "[additional info] Reading key 'key'\n"
                                     "[additional info] Reading type 2 (set-hashtable)\n"
                                     "[info] 1 keys read\n[info] 0 expires\n[info] 0 already expired\n"));
}

TEST(RdbCheck, TellsAnotherFormat) {
  EXPECT_THAT(check("HELLO00091234").said, HasSubstr("[offset 9] Wrong signature trying to load DB from file\n"));
  EXPECT_THAT(check("REDIS0099").said, HasSubstr("[offset 9] Can't handle RDB format version 99\n"));
  EXPECT_THAT(check("").said, HasSubstr("[offset 0] Unexpected EOF reading RDB file\n"
                                        "[additional info] While doing: start\n"));
}

TEST(RdbCheck, TellsAnUnknownType) {
  const Checked checked = check("REDIS0009\x08");
  EXPECT_THAT(checked.said, HasSubstr("[offset 10] Invalid object type: 8 at offset 9\n"
                                      "[additional info] While doing: read-type\n"));
}

TEST(RdbCheck, GoesThroughWhatModulesWrote) {
  const std::string id("\x81\x12\x34\x56\x78\x90\xab\xcc\x01", 9);
  const std::string data = "\x05" + text("data");
  const std::string aux = "\xf7" + id + "\x02\x01" + data + std::string(1, '\0');
  const std::string value = "\x07" + text("mk") + id + data + std::string("\x02\x07\0", 3);
  const Checked checked = check(rdb(aux + value));
  EXPECT_TRUE(checked.length);
  EXPECT_THAT(checked.said, HasSubstr("[offset 21] MODULE AUX for: EjRWeJCrz\n"));
  EXPECT_THAT(checked.said, HasSubstr("[info] 1 keys read\n"));
}

TEST(RdbCheck, AcceptsAKeyThatHoldsNothing) {
  const Checked checked = check(rdb("\x02" + text("es") + std::string(1, '\0')));
  EXPECT_TRUE(checked.length);
  EXPECT_THAT(checked.said, HasSubstr("Key 'es' holds nothing"));
}

TEST(RdbCheck, ReadsFilesOfValkey9) {
  const std::string none(8, '\xff');
  const std::string hash = "\x16" + text("h") + "\x01" + text("f") + text("v") + none;
  EXPECT_TRUE(check(rdb(hash, "VALKEY080")).length);
  EXPECT_FALSE(check(rdb(hash, "REDIS0012")).length);
}

TEST(RdbCheck, SendsNoControlCharactersToATerminal) {
  EXPECT_THAT(check(rdb("\xfa" + text("a\x1b[1m") + text("b"))).said, Not(HasSubstr("\x1b")));
}

TEST(CheckRdbProgram, EndsWithOneWhenThereIsNoFile) {
  const auto disk = make_posix_file_system();
  std::string out;
  std::string errors;
  const auto to = [](std::string& target) { return [&target](std::string_view t) { target += t; }; };
  EXPECT_EQ(run_check_rdb({"/nowhere/dump.rdb"}, *disk, kNow, to(out), to(errors)), 1);
  EXPECT_EQ(out, "[offset 0] Checking RDB file /nowhere/dump.rdb\n");
  EXPECT_THAT(errors, HasSubstr("No such file or directory"));
}

TEST(CheckRdbProgram, WantsOneFile) {
  const auto disk = make_posix_file_system();
  std::string errors;
  const auto ignore = [](std::string_view) {};
  EXPECT_EQ(run_check_rdb({}, *disk, kNow, ignore, [&](std::string_view t) { errors += t; }), 1);
  EXPECT_EQ(errors, "Usage: ashlar-check-rdb <rdb-file-name>\n");
}

}  // namespace
}  // namespace ashlar::snapshot
