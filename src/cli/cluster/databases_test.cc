#include "cli/cluster/databases.h"

#include <gtest/gtest.h>

namespace ashlar::cli::cluster {
namespace {

using Databases = std::vector<std::uint32_t>;

TEST(Databases, AreReadFromTheKeyspaceSection) {
  EXPECT_EQ(databases_in("# Keyspace\r\ndb0:keys=1,expires=0,avg_ttl=0\r\ndb12:keys=3,expires=0,avg_ttl=0\r\n"),
            (Databases{0, 12}));
}

TEST(Databases, AreNoneWithoutKeys) { EXPECT_EQ(databases_in("# Keyspace\r\n"), Databases{}); }

TEST(Databases, OtherLinesAreNoDatabases) {
  EXPECT_EQ(databases_in("dbx:keys=1\r\ndb1\r\ndb-1:keys=1\r\ndb99999999999:keys=1\r\ndb2:name\r\n"), Databases{});
}

}  // namespace
}  // namespace ashlar::cli::cluster
