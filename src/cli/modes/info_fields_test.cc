#include "cli/modes/info_fields.h"

#include <gtest/gtest.h>

namespace ashlar::cli {
namespace {

constexpr std::string_view kInfo =
    "# Server\r\nused_memory:1024\r\nused_memory_human:1K\r\n\r\n# Keyspace\r\ndb0:keys=12,expires=0,avg_ttl=0\r\n"
    "db15:keys=30\r\ndbx:keys=7\r\n";

TEST(InfoFields, FindsALineByItsWholeName) {
  EXPECT_EQ(info_number(kInfo, "used_memory"), 1024);
  EXPECT_EQ(info_text(kInfo, "used_memory_human"), "1K");
  EXPECT_EQ(info_text(kInfo, "used"), "");
  EXPECT_EQ(info_number(kInfo, "nosuch"), 0);
}

TEST(InfoFields, AddsTheKeysOfAllDatabases) { EXPECT_EQ(info_key_count(kInfo), 42u); }

}  // namespace
}  // namespace ashlar::cli
