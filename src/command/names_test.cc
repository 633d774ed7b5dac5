#include "command/names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ashlar::command {
namespace {

using testing::ElementsAre;

TEST(CategoryNames, FollowFromFlagsAndKeepTheOrderOfAclCat) {
  const CommandSpec set{.name = "set", .arity = at_least(3), .flags = Flag::kWrite, .categories = Category::kString};
  EXPECT_THAT(category_names(set), ElementsAre("write", "string", "slow"));
  const CommandSpec config{.name = "config|get", .arity = at_least(3), .flags = Flag::kAdmin | Flag::kFast};
  EXPECT_THAT(category_names(config), ElementsAre("admin", "fast", "dangerous"));
}
TEST(CategoryNames, DoNotCountAScriptThatOnlyReadsAsReading) {
  const CommandSpec spec{
      .name = "eval_ro", .arity = at_least(3), .flags = Flag::kReadOnly, .categories = Category::kScripting};
  EXPECT_THAT(category_names(spec), ElementsAre("slow", "scripting"));
}
TEST(FlagNames, TellThatKeysMoveWhenAnExtractorOrAKeywordFindsThem) {
  CommandSpec xread{.name = "xread", .arity = at_least(4), .flags = Flag::kReadOnly | Flag::kBlocking};
  xread.keys[0] = {.begin = KeySpec::Begin::kKeyword, .index = 1, .keyword = "STREAMS", .last = -1, .limit = 2};
  EXPECT_THAT(flag_names(xread), ElementsAre("readonly", "blocking", "movablekeys"));
  const CommandSpec get{.name = "get",
                        .arity = exactly(2),
                        .flags = Flag::kReadOnly | Flag::kFast,
                        .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)}};
  EXPECT_THAT(flag_names(get), ElementsAre("readonly", "fast"));
}
TEST(KeyFlagNames, BeginWithTheAccessToTheWholeKey) {
  EXPECT_THAT(key_flag_names(KeyAccess::kRW, KeyAction::kAccess | KeyAction::kVariable),
              ElementsAre("RW", "access", "variable_flags"));
}

}  // namespace
}  // namespace ashlar::command
