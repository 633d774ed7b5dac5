#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/ip_text.h"
#include "base/key_slot.h"
#include "base/rng.h"

namespace ashlar {
namespace {

TEST(KeySlot, MatchesTheSpecificationsExample) {
  EXPECT_EQ(crc16("123456789"), 0x31C3);  // appendix A of the cluster specification
  EXPECT_EQ(key_slot("foo").value(), 12182);
  EXPECT_EQ(key_slot("hello").value(), 866);
}
TEST(KeySlot, HashesOnlyANonEmptyTag) {
  EXPECT_EQ(key_slot("{user1000}.following"), key_slot("{user1000}.followers"));
  EXPECT_EQ(hash_tag("foo{}{bar}"), "foo{}{bar}");
  EXPECT_EQ(hash_tag("foo{{bar}}zap"), "{bar");
  EXPECT_EQ(hash_tag("foo{bar}{zap}"), "bar");
}
TEST(KeySlot, FoldsEightBytesLikeOneByOne) {
  Rng rng(1);
  for (int round = 0; round < 200; ++round) {
    std::string text(rng.below(60), ' ');
    for (char& c : text) c = static_cast<char>(rng.next());
    std::uint16_t crc = 0;
    for (const char c : text) {
      crc = static_cast<std::uint16_t>(crc ^ (static_cast<unsigned char>(c) << 8));
      for (int bit = 0; bit < 8; ++bit) crc = static_cast<std::uint16_t>((crc << 1) ^ ((crc & 0x8000) ? 0x1021 : 0));
    }
    EXPECT_EQ(crc16(text), crc) << round;
  }
}
TEST(Crc64, MatchesTheJonesCheckValue) { EXPECT_EQ(crc64(0, "123456789"), 0xe9c6d914c4b8d9caULL); }
TEST(ParseI64, AcceptsOnlyTheCanonicalSpelling) {
  EXPECT_EQ(parse_i64("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(parse_i64("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  for (const char* bad : {"", "-", "+1", "01", "-0", "1 ", " 1", "9223372036854775808", "-9223372036854775809", "1e3"})
    EXPECT_EQ(parse_i64(bad), std::nullopt) << bad;
}
// Source: strtod(), by which Redis reads scores, weights and coordinates.
TEST(ParseDouble, ReadsHexadecimalToo) {
  EXPECT_EQ(parse_double("0x10"), 16.0);
  EXPECT_EQ(parse_double("-0X1.8p1"), -3.0);
  EXPECT_EQ(parse_double("+0x.8"), 0.5);
  for (const std::string_view text : {"0x", "0x-1", "-0x-1", "0xinf", "0xnan", "0x1g", "0x.", "x10", "0x1p99999"}) {
    EXPECT_EQ(parse_double(text), std::nullopt) << text;
  }
}
TEST(ParseMemory, KnowsBothKindsOfUnit) {
  EXPECT_EQ(parse_memory("1k"), 1000U);
  EXPECT_EQ(parse_memory("1kb"), 1024U);
  EXPECT_EQ(parse_memory("2GB"), 2ULL << 30);
  EXPECT_EQ(parse_memory("1x"), std::nullopt);
  EXPECT_EQ(parse_memory("99999999999gb"), std::nullopt);
}
TEST(Glob, MatchesAsRedisDoes) {
  EXPECT_TRUE(glob_match("h?llo*", "hallo world"));
  EXPECT_TRUE(glob_match("[a-c]x[^d]", "bxe"));
  EXPECT_FALSE(glob_match("[a-c]x[^d]", "bxd"));
  EXPECT_TRUE(glob_match("a\\*b", "a*b"));
  EXPECT_FALSE(glob_match("a\\*b", "axb"));
  EXPECT_TRUE(glob_match("**", ""));
  EXPECT_TRUE(glob_match("FOO", "foo", Case::kInsensitive));
}
TEST(Glob, StaysBoundedOnHostilePatterns) {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "a*";
  EXPECT_FALSE(glob_match(pattern + "b", std::string(5000, 'a')));
}
TEST(NodeId, SurvivesTheWayThroughHex) {
  Rng rng(7);
  const NodeId id = draw_node_id(rng);
  EXPECT_EQ(NodeId::from_hex(id.hex()), id);
  EXPECT_EQ(NodeId::from_hex(id.hex().substr(1)), std::nullopt);
}
TEST(Rng, GivesTheSameNumbersForTheSameSeed) {
  Rng a(42);
  Rng b(42);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.next(), b.next());
}
TEST(Error, NeverLetsALineEndIntoTheReply) {
  EXPECT_EQ((Error{ErrorCode::kGeneric, "a\r\nb"}.resp_text()), "ERR a  b");
}
TEST(FormatDouble, PrintsIntegersWithoutExponent) {
  EXPECT_EQ(format_double(3), "3");
  EXPECT_EQ(format_double(0.1), "0.1");
  EXPECT_EQ(format_double(-1.0 / 0.0), "-inf");
  EXPECT_EQ(format_double(-0.0), "-0");
  EXPECT_EQ(format_double(1e17), "100000000000000000");
  EXPECT_EQ(format_double(1e20), "1e+20");
  EXPECT_EQ(format_double(-1.5e300), "-1.5e+300");
  EXPECT_EQ(format_double(0.000001), "0.000001");
  EXPECT_EQ(format_double(1e-7), "1e-7");
  EXPECT_EQ(format_double(0.0012345678), "0.0012345678");
  EXPECT_EQ(format_double(-123456.789), "-123456.789");
  EXPECT_EQ(format_double(3.5e-5), "0.000035");
  EXPECT_EQ(format_double(166274.1515768), "1.662741515768e+5");
}

TEST(CanonicalIp, SpellsAddressesInOneWayAndRefusesNames) {
  EXPECT_EQ(canonical_ip("127.0.0.1"), "127.0.0.1");
  EXPECT_EQ(canonical_ip("0:0:0:0:0:0:0:1"), "::1");
  EXPECT_EQ(canonical_ip("FE80::00A1"), "fe80::a1");
  for (const char* bad : {"", "localhost", "1.2.3", "1.2.3.256", "1.2.3.4 ", ":::"}) EXPECT_FALSE(canonical_ip(bad));
  EXPECT_FALSE(canonical_ip(std::string("1.2.3.4\0x", 9)));
}

}  // namespace
}  // namespace ashlar
