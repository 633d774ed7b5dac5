/// What the tests of this folder share: a runner with the string commands to make keys with, and a codec that is easy
/// to read: "i:42", "s:text"; anything else is bad data.
#pragma once

#include <gtest/gtest.h>

#include "commands/generic/commands.h"
#include "commands/string/commands.h"
#include "commands/testing/run.h"

namespace ashlar::commands {

inline std::string readable_dump(const keyspace::Entry& entry) {
  DecimalBuffer buffer;
  return (entry.is_int() ? "i:" : "s:") + std::string(entry.text(buffer));
}
inline Result<keyspace::OwnedValue> readable_restore(std::string_view payload, const keyspace::EncodingLimits&) {
  if (payload.starts_with("s:")) return keyspace::OwnedValue{std::string(payload.substr(2))};
  const auto number = payload.starts_with("i:") ? parse_i64(payload.substr(2)) : std::nullopt;
  if (!number) return fail("Bad data format");
  return keyspace::OwnedValue{*number};
}

struct GenericTest : ::testing::Test {
  using Lines = std::vector<std::string>;

  explicit GenericTest(ServerMode mode = ServerMode::kStandalone, std::uint32_t databases = 16)
      : r(databases), generic({&readable_dump, &readable_restore}, mode) {
    strings.register_in(r.table);
    generic.register_in(r.table);
  }

  testing::Runner r;
  StringCommands strings;
  GenericCommands generic;
};
struct GenericInCluster : GenericTest {
  GenericInCluster() : GenericTest(ServerMode::kCluster, 1) {}
};
/// With `cluster-databases 16`.
struct GenericInClusterWithDatabases : GenericTest {
  GenericInClusterWithDatabases() : GenericTest(ServerMode::kCluster) {}
};

}  // namespace ashlar::commands
