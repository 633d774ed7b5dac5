// Manifest lines, the commands of a file, and when a rewrite is due.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aof/command_format.h"
#include "aof/command_reader.h"
#include "aof/manifest.h"
#include "aof/rewrite_policy.h"
#include "base/bytes.h"
#include "snapshot/huge_values.h"

namespace ashlar::aof {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Manifest, ReadsWhatRedisWrites) {
  const auto m = parse_manifest(
      "file appendonly.aof.2.base.rdb seq 2 type b\n"
      "file appendonly.aof.1.base.rdb seq 1 type h\n"
      "file appendonly.aof.4.incr.aof seq 4 type i\n"
      "file appendonly.aof.5.incr.aof seq 5 type i\n");
  ASSERT_TRUE(m) << m.error().detail;
  EXPECT_EQ(m->base, (ManifestFile{"appendonly.aof.2.base.rdb", 2}));
  EXPECT_THAT(m->history, ElementsAre(ManifestFile{"appendonly.aof.1.base.rdb", 1}));
  EXPECT_THAT(m->increments,
              ElementsAre(ManifestFile{"appendonly.aof.4.incr.aof", 4}, ManifestFile{"appendonly.aof.5.incr.aof", 5}));
}

TEST(Manifest, WritesBaseThenHistoryThenIncrements) {
  Manifest m;
  m.increments.push_back({increment_name("a.aof", 3), 3});
  m.base = ManifestFile{base_name("a.aof", 2, BaseForm::kCommands), 2};
  m.history.push_back({base_name("a.aof", 1, BaseForm::kRdb), 1});
  EXPECT_EQ(format_manifest(m),
            "file a.aof.2.base.aof seq 2 type b\n"
            "file a.aof.1.base.rdb seq 1 type h\n"
            "file a.aof.3.incr.aof seq 3 type i\n");
}

TEST(Manifest, QuotesNamesWithBlanksAndReadsThemBack) {
  Manifest m;
  m.base = ManifestFile{"my \"own\" \x01.base", 1};
  EXPECT_EQ(format_manifest(m), "file \"my \\\"own\\\" \\x01.base\" seq 1 type b\n");
  const auto back = parse_manifest(format_manifest(m));
  ASSERT_TRUE(back) << back.error().detail;
  EXPECT_EQ(*back, m);
  EXPECT_EQ(parse_manifest("file 'it\\'s' seq 1 type b\n")->base->name, "it's");
}

TEST(Manifest, SkipsCommentsAndUnknownPairs) {
  const auto m = parse_manifest("# made by hand\nFILE a SEQ 1 TYPE b startoffset 7\n");
  ASSERT_TRUE(m) << m.error().detail;
  EXPECT_EQ(m->base->name, "a");
}

TEST(Manifest, RefusesWhatItCannotTrust) {
  const auto error = [](std::string_view text) {
    const auto m = parse_manifest(text);
    return m ? std::string("accepted") : m.error().detail;
  };
  EXPECT_THAT(error(""), HasSubstr("empty"));
  EXPECT_THAT(error("file a seq 1 type b"), HasSubstr("line 1: does not end"));
  EXPECT_THAT(error("file a seq 1 type b\nfile b seq 2 type b\n"), HasSubstr("line 2: Found duplicate base file"));
  EXPECT_THAT(error("file a seq 2 type i\nfile b seq 2 type i\n"), HasSubstr("non-monotonic"));
  EXPECT_THAT(error("file ../a seq 1 type b\n"), HasSubstr("path"));
  EXPECT_THAT(error("file .. seq 1 type b\n"), HasSubstr("path"));
  EXPECT_THAT(error("file a seq 0 type b\n"), HasSubstr("sequence"));
  EXPECT_THAT(error("file a seq 18446744073709551615 type b\n"), HasSubstr("sequence"));
  EXPECT_THAT(error("file a seq 1 type x\n"), HasSubstr("Unknown AOF file type"));
  EXPECT_THAT(error("file a seq 1\n"), HasSubstr("Invalid AOF manifest file format"));
  EXPECT_THAT(error("file \"a seq 1 type b\n"), HasSubstr("Invalid AOF manifest file format"));
  EXPECT_THAT(error("seq 1 type b other 1\n"), HasSubstr("missing"));
  EXPECT_THAT(error("\n"), HasSubstr("Invalid AOF manifest file format"));
  EXPECT_THAT(error("file " + std::string(1100, 'a') + " seq 1 type b\n"), HasSubstr("too long"));
}

/// What a file of these bytes holds: commands joined by '|', then how it ends.
std::string read_all(std::string_view bytes, const ReaderLimits& limits = {}) {
  snapshot::StringSource source(bytes);
  CommandReader reader(source, 100, limits);
  std::string out;
  for (;;) {
    const auto next = reader.next();
    if (!next) return out + "error: " + next.error().detail;
    if (*next == CommandReader::Next::kEnd) return out + "end";
    if (*next == CommandReader::Next::kTruncated) return out + "cut at " + std::to_string(reader.record_offset());
    for (const std::string_view arg : reader.args()) out += std::string(arg) + " ";
    out += "| ";
  }
}

TEST(CommandReader, ReadsCommandsAndSkipsAnnotations) {
  EXPECT_EQ(read_all("#TS:1700000000\r\n*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nDEL\r\n$0\r\n\r\n"), "PING | DEL  | end");
  EXPECT_EQ(read_all(""), "end");
}

TEST(CommandReader, ReadsArgumentsLongerThanItsBuffer) {
  const std::string big(3 << 20, 'x');
  std::string bytes;
  const std::array<std::string_view, 2> args = {"ECHO", big};
  append_command(bytes, args);
  append_command(bytes, args);
  EXPECT_EQ(read_all(bytes), "ECHO " + big + " | ECHO " + big + " | end");
}

TEST(CommandReader, TellsACutRecordFromAWrongOneAtEveryLength) {
  const std::string whole = "*1\r\n$4\r\nPING\r\n#TS:1\r\n*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n";
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const std::string got = read_all(whole.substr(0, n));
    EXPECT_TRUE(n == 0 || n == 14 || n == 21 ? got.ends_with("end") : got.find("cut at ") != std::string::npos)
        << n << " " << got;
    EXPECT_TRUE(n <= 14 || got.starts_with("PING | "));
  }
  EXPECT_EQ(read_all(whole.substr(0, 30)), "PING | cut at 121");
}

TEST(CommandReader, TakesZerosToTheEndForACut) {
  const std::string good = "*1\r\n$4\r\nPING\r\n";
  EXPECT_EQ(read_all(good + std::string(100'000, '\0')), "PING | cut at 114");
  for (std::size_t n = 1; n < good.size(); ++n) {
    EXPECT_EQ(read_all(good + good.substr(0, n) + std::string(5000, '\0')), "PING | cut at 114") << n;
  }
  EXPECT_THAT(read_all(good + std::string(100'000, '\0') + "x"), HasSubstr("'*' expected at offset 114"));
}

TEST(CommandReader, RefusesWhatIsNoLogAndSaysWhere) {
  EXPECT_EQ(read_all("PING\r\n"), "error: bad file format: '*' expected at offset 100");
  EXPECT_EQ(read_all("*1\r\n+PING\r\n"), "error: bad file format: '$' expected at offset 104");
  EXPECT_EQ(read_all("*1\r\n$4\r\nPINGxx"), "error: bad file format: line end expected at offset 112");
  EXPECT_EQ(read_all("*1\n$4\r\nPING\r\n"), "error: bad file format: line end expected at offset 102");
  EXPECT_EQ(read_all("*0\r\n"), "error: bad file format: command without arguments at offset 103");
  EXPECT_EQ(read_all("*-1\r\n"), "error: bad file format: wrong number at offset 101");
  EXPECT_EQ(read_all("*1\r\n$01\r\nx\r\n"), "error: bad file format: wrong number at offset 105");
  EXPECT_THAT(read_all("*" + std::string(40, '1')), HasSubstr("line too long"));
  EXPECT_THAT(read_all("*1\r\n$11\r\n12345678901\r\n", {.argument_bytes_max = 10}), HasSubstr("wrong number"));
}

TEST(CommandFormat, WritesAnEntryAsSetAndAbsoluteExpiry) {
  keyspace::Entry* e = keyspace::Entry::make("k", "v", wall_from_unix_millis(1700000000123));
  snapshot::Chunk chunk;
  CommandEntryFormat().entry(chunk, *e);
  keyspace::Entry::destroy(e);
  EXPECT_EQ(read_all(chunk.bytes), "SET k v | PEXPIREAT k 1700000000123 | end");
}

/// The arguments of all commands behind the key.
std::string arguments(std::string_view bytes) {
  snapshot::StringSource source(bytes);
  CommandReader reader(source, 0, {});
  std::string out;
  for (;;) {
    const auto next = reader.next();
    if (!next || *next != CommandReader::Next::kCommand) return out;
    const auto args = reader.args();
    const bool has_subcommand = args[0] == "XGROUP";
    EXPECT_EQ(args[has_subcommand ? 2 : 1], "key");
    for (const std::string_view arg : args.subspan(2)) out += std::string(arg) + " ";
  }
}

TEST(CommandFormat, WritesHugeValuesInPiecesThatMakeTheWhole) {
  for (const keyspace::Type type : snapshot::kCollections) {
    keyspace::OwnedValue value = snapshot::huge_value(type, 10'000);
    if (auto* hash = std::get_if<keyspace::Owned<keyspace::Hash>>(&value.data)) {
      for (const int i : {3, 4, 9998})
        (*hash)->set_expiry(keyspace::LookupText(snapshot::element(i)), 1'800'000'000'000);
    }
    keyspace::Entry* e = keyspace::Entry::make_owned("key", std::move(value), wall_from_unix_millis(1'800'000'000'123));
    const CommandEntryFormat format;
    snapshot::Chunk whole;
    format.entry(whole, *e);
    EXPECT_EQ(whole.keys, 1U);
    for (const std::size_t end : {std::size_t{1}, std::size_t{5000}}) {
      const auto pieces = format.pieces(*e);
      ASSERT_NE(pieces, nullptr);
      snapshot::Chunk chunk;
      std::string got;
      std::uint64_t keys = 0;
      snapshot::EntryPieces::Left left{};
      do {
        chunk.clear();
        left = pieces->next(chunk, end);
        EXPECT_LT(chunk.bytes.size(), end + 10'000);
        got += chunk.bytes;
        keys += chunk.keys;
      } while (left == snapshot::EntryPieces::Left::kMore);
      EXPECT_EQ(keys, 1U);
      EXPECT_TRUE(arguments(got) == arguments(whole.bytes)) << keyspace::type_name(type) << end;
      EXPECT_TRUE(arguments(got).ends_with("1800000000123 "));
    }
    keyspace::Entry::destroy(e);
  }
}

TEST(RewritePolicy, ComparesGrowthWithTheBase) {
  const RewriteSettings s{.percentage = 100, .min_size = 1000};
  EXPECT_FALSE(has_outgrown(s, 1000, 0));
  EXPECT_TRUE(has_outgrown(s, 1001, 0));
  EXPECT_FALSE(has_outgrown(s, 1999, 1000));
  EXPECT_TRUE(has_outgrown(s, 2000, 1000));
  EXPECT_FALSE(has_outgrown(s, 2000, 4000));
  EXPECT_FALSE(has_outgrown({.percentage = 0, .min_size = 0}, 1 << 30, 1));
}

TEST(RewritePolicy, WaitsLongerAfterEachFailure) {
  EXPECT_EQ(retry_delay(0), Seconds(0));
  EXPECT_EQ(retry_delay(2), Seconds(0));
  EXPECT_EQ(retry_delay(3), Seconds(60));
  EXPECT_EQ(retry_delay(4), Seconds(120));
  EXPECT_EQ(retry_delay(8), Seconds(1920));
  EXPECT_EQ(retry_delay(9), Seconds(3600));
  EXPECT_EQ(retry_delay(~0ULL), Seconds(3600));
}

}  // namespace
}  // namespace ashlar::aof
