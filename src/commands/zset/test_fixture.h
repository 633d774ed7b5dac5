/// What the tests of this folder share: a runner with the commands on sorted sets and on strings.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "commands/set/commands.h"
#include "commands/string/commands.h"
#include "commands/testing/run.h"
#include "commands/zset/commands.h"

namespace ashlar::commands {

struct ZsetTest : ::testing::Test {
  using Lines = std::vector<std::string>;

  ZsetTest() {
    strings.register_in(r.table);
    register_zset_commands(r.table);
    register_set_commands(r.table);
  }
  std::string run(std::initializer_list<std::string_view> words) { return r.run(words); }
  /// The reply with line ends as blanks, easier to read.
  std::string brief(std::initializer_list<std::string_view> words) {
    std::string reply = r.run(words);
    std::string out;
    for (const char c : reply) {
      if (c == '\n') out += ' ';
      if (c != '\r' && c != '\n') out += c;
    }
    if (!out.empty()) out.pop_back();
    return out;
  }
  void use_index() { r.keyspace.limits().zset_listpack_entries = 0; }
  void fill() { run({"zadd", "z", "1", "a", "2", "b", "3", "c", "4", "d", "5", "e"}); }

  testing::Runner r;
  StringCommands strings;
};

/// Runs every test with both encodings.
struct ZsetBoth : ZsetTest, ::testing::WithParamInterface<const char*> {
  ZsetBoth() {
    if (std::string_view(GetParam()) == "skiplist") use_index();
  }
};
#define ASH_BOTH_ENCODINGS(suite) INSTANTIATE_TEST_SUITE_P(Encodings, suite, ::testing::Values("listpack", "skiplist"))

}  // namespace ashlar::commands
