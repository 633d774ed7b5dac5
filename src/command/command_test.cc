#include <gtest/gtest.h>

#include "command/keys.h"
#include "command/table.h"

namespace ashlar::command {
namespace {

std::vector<std::uint32_t> positions(const CommandSpec& spec, std::vector<std::string_view> args) {
  std::vector<KeyPosition> out;
  find_keys(spec, args, out);
  std::vector<std::uint32_t> at;
  for (const auto& p : out) at.push_back(p.argument);
  return at;
}
using At = std::vector<std::uint32_t>;

TEST(FindKeys, StepsThroughARangeFromTheEnd) {
  const CommandSpec mset{
      .name = "mset", .arity = at_least(3), .keys = {key_range(1, -1, 2, KeyAccess::kOW, KeyAction::kUpdate)}};
  EXPECT_EQ(positions(mset, {"mset", "a", "1", "b", "2"}), (At{1, 3}));
}
TEST(FindKeys, ReadsACountAndRefusesOneThatLies) {
  CommandSpec eval{
      .name = "eval",
      .arity = at_least(3),
      .keys = {KeySpec{.begin = KeySpec::Begin::kIndex, .index = 2, .find = KeySpec::Find::kKeyNum, .first_key = 1}}};
  EXPECT_EQ(positions(eval, {"eval", "s", "2", "a", "b", "x"}), (At{3, 4}));
  std::vector<KeyPosition> out;
  const std::vector<std::string_view> lying = {"eval", "s", "9223372036854775807", "a"};
  EXPECT_FALSE(find_keys(eval, lying, out));
  EXPECT_TRUE(out.empty());
  const std::vector<std::string_view> one_too_many = {"eval", "s", "3", "a", "b"};
  EXPECT_FALSE(find_keys(eval, one_too_many, out));
  EXPECT_TRUE(out.empty());
}
TEST(FindKeys, SearchesAKeywordFromTheEnd) {
  const CommandSpec migrate{
      .name = "migrate",
      .arity = at_least(6),
      .keys = {KeySpec{.begin = KeySpec::Begin::kKeyword, .index = -2, .keyword = "KEYS", .last = -1}}};
  EXPECT_EQ(positions(migrate, {"migrate", "h", "1", "", "0", "9", "keys", "a", "b"}), (At{7, 8}));
}
TEST(FindKeys, NeverNamesAnArgumentThatIsNotThere) {
  const CommandSpec two{
      .name = "x",
      .arity = exactly(3),
      .keys = {one_key(1, KeyAccess::kRO, KeyAction::kNone), one_key(2, KeyAccess::kRO, KeyAction::kNone)}};
  EXPECT_EQ(positions(two, {"x", "a"}), (At{1}));
}
TEST(CommandTable, FindsNamesInAnyCaseAndTellsLookalikesApart) {
  CommandTable table;
  for (const std::string_view name :
       {"get", "getset", "getrange", "setrange", "incrbyfloat", "incrby", "restore", "restore-asking"})
    table.add({.name = name, .arity = at_least(1)}, +[](Context&) {});
  for (const auto& command : table.all()) EXPECT_EQ(table.find(command->spec.name), command.get());
  EXPECT_EQ(table.find("GeTrAnGe")->spec.name, "getrange");
  EXPECT_EQ(table.find("getrang"), nullptr);
  EXPECT_EQ(table.find("restore_asking"), nullptr);
  EXPECT_EQ(table.find(""), nullptr);
}
TEST(CommandTable, RenamesAndRemoves) {
  CommandTable table;
  table.add({.name = "get", .arity = exactly(2)}, +[](Context&) {});
  table.add({.name = "set", .arity = exactly(3)}, +[](Context&) {});
  EXPECT_TRUE(table.rename("GET", "fetch"));
  EXPECT_EQ(table.find("get"), nullptr);
  EXPECT_EQ(table.find("fetch")->spec.name, "get");
  EXPECT_FALSE(table.rename("set", "fetch"));
  EXPECT_TRUE(table.rename("set", ""));
  EXPECT_EQ(table.find("set"), nullptr);
}

}  // namespace
}  // namespace ashlar::command
