#include "server/config/live.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ashlar::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Pairs = std::vector<NameValue>;
using Patterns = std::vector<std::string>;

/// Remembers the calls; fails at one directive.
class Recorder final : public ApplyHook {
 public:
  explicit Recorder(std::string_view failing = {}) : failing_(failing) {}
  Result<void> apply(const Directive& directive, const Config& now) override {
    calls.push_back(std::string(directive.name) + "=" + format_value(now, directive));
    if (directive.name == failing_ && calls.size() <= 2) return fail("the hook says no");
    return {};
  }
  std::vector<std::string> calls;

 private:
  std::string_view failing_;
};

std::string set_text(Config& config, const Pairs& pairs, SetContext context = {}) {
  Recorder hook;
  const auto done = set(config, pairs, context, hook);
  return done ? "OK" : done.error().resp_text();
}

TEST(Get, AnswersUnderTheNameAsked) {
  const Config config;
  EXPECT_THAT(get(config, Patterns{"MaxMemory", "slave-priority"}),
              ElementsAre(NameValue{"MaxMemory", "0"}, NameValue{"slave-priority", "100"}));
}
TEST(Get, AnswersGlobsInAlphabeticalOrderAliasesIncluded) {
  const Config config;
  EXPECT_THAT(get(config, Patterns{"*-PRIORITY"}),
              ElementsAre(NameValue{"replica-priority", "100"}, NameValue{"slave-priority", "100"}));
}
TEST(Get, NamesEachOnce) {
  const Config config;
  EXPECT_THAT(get(config, Patterns{"SAVE", "save", "sav*"}), ElementsAre(NameValue{"SAVE", "3600 1 300 100 60 10000"}));
}
TEST(Get, HidesHiddenOnesFromGlobs) {
  const Config config;
  EXPECT_THAT(get(config, Patterns{"watchdog-*"}), IsEmpty());
  EXPECT_THAT(get(config, Patterns{"watchdog-period"}), SizeIs(1));
}
TEST(Get, AnswersNothingForUnknownNames) {
  const Config config;
  EXPECT_THAT(get(config, Patterns{"include", "nope", "maxmem\\ory", ""}), IsEmpty());
}

TEST(Set, ChangesAllAndTellsWhatChanged) {
  Config config;
  Recorder hook;
  const auto done = set(config, Pairs{{"port", "1"}, {"hz", "10"}, {"maxmemory", "1kb"}}, {}, hook);
  ASSERT_TRUE(done);
  EXPECT_EQ(config.network.port, 1);
  EXPECT_EQ(config.memory.max_memory, 1024U);
  EXPECT_THAT(hook.calls, ElementsAre("port=1", "maxmemory=1024")) << "hz keeps its value";
  EXPECT_THAT(done->changed, SizeIs(2));
}
TEST(Set, ChangesNothingWhenOneValueIsBad) {
  Config config;
  Recorder hook;
  const auto done = set(config, Pairs{{"port", "1"}, {"maxmemory", "bad"}}, {}, hook);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().resp_text(),
            "ERR CONFIG SET failed (possibly related to argument 'maxmemory') - argument must be a memory value");
  EXPECT_EQ(config.network.port, 6379);
  EXPECT_THAT(hook.calls, IsEmpty());
}
TEST(Set, RollsBackWhenAHookFails) {
  Config config;
  Recorder hook("port");
  const auto done = set(config, Pairs{{"maxmemory", "1kb"}, {"port", "1"}, {"timeout", "9"}}, {}, hook);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().resp_text(), "ERR CONFIG SET failed (possibly related to argument 'port') - the hook says no");
  EXPECT_THAT(hook.calls, ElementsAre("maxmemory=1024", "port=1", "port=6379", "maxmemory=0"));
  EXPECT_EQ(config.memory.max_memory, 0U);
  EXPECT_EQ(config.network.port, 6379);
}
TEST(Set, RefusesUnknownAndImmutableNames) {
  Config config;
  EXPECT_EQ(set_text(config, {{"Nope", "1"}}), "ERR Unknown option or number of arguments for CONFIG SET - 'Nope'");
  EXPECT_EQ(set_text(config, {{"DAEMONIZE", "yes"}}),
            "ERR CONFIG SET failed (possibly related to argument 'DAEMONIZE') - can't set immutable config");
  EXPECT_EQ(set_text(config, {{"daemonize", "yes"}, {"nope", "1"}}),
            "ERR CONFIG SET failed (possibly related to argument 'daemonize') - can't set immutable config");
}
TEST(Set, RefusesANameTwiceButTakesItsAlias) {
  Config config;
  EXPECT_EQ(set_text(config, {{"Timeout", "5"}, {"timeout", "6"}}),
            "ERR CONFIG SET failed (possibly related to argument 'timeout') - duplicate parameter");
  EXPECT_EQ(set_text(config, {{"slave-priority", "5"}, {"replica-priority", "6"}}), "OK");
  EXPECT_EQ(config.replication.priority, 6U);
}
TEST(Set, NamesTheAliasThatWasUsed) {
  Config config;
  EXPECT_EQ(set_text(config, {{"SLAVE-priority", "-1"}}),
            "ERR CONFIG SET failed (possibly related to argument 'slave-priority') - argument must be between 0 and "
            "2147483647 inclusive");
}
TEST(Set, CutsListsAtSingleBlanks) {
  Config config;
  EXPECT_EQ(set_text(config, {{"save", "900 1 300 10"}}), "OK");
  EXPECT_EQ(config.snapshot.save_points.size(), 2U);
  EXPECT_EQ(set_text(config, {{"save", "900  1"}}),
            "ERR CONFIG SET failed (possibly related to argument 'save') - Invalid save parameters");
  EXPECT_EQ(set_text(config, {{"save", ""}}), "OK");
  EXPECT_THAT(config.snapshot.save_points, IsEmpty());
}
TEST(Set, GuardsProtectedDirectives) {
  Config config;
  const std::string refused =
      "ERR CONFIG SET failed (possibly related to argument 'dbfilename') - can't set protected config";
  EXPECT_EQ(set_text(config, {{"dbfilename", "x"}}, {.client = Locality::kLocal}), refused);
  config.security.protected_configs = Access::kLocal;
  EXPECT_EQ(set_text(config, {{"dbfilename", "x"}}, {.client = Locality::kRemote}), refused);
  EXPECT_EQ(set_text(config, {{"dbfilename", "x"}}, {.client = Locality::kLocal}), "OK");
  config.security.protected_configs = Access::kYes;
  EXPECT_EQ(set_text(config, {{"dbfilename", "y"}}, {.client = Locality::kRemote}), "OK");
}
TEST(Set, WaitsForTheDataSetWhereItMust) {
  Config config;
  const SetContext loading{.data_set = SetContext::DataSet::kLoading};
  EXPECT_EQ(set_text(config, {{"appendonly", "yes"}}, loading), "LOADING Redis is loading the dataset in memory");
  EXPECT_EQ(set_text(config, {{"timeout", "3"}}, loading), "OK");
}
TEST(Set, JoinsADirectoryToThePresentOne) {
  Config config;
  config.security.protected_configs = Access::kYes;
  config.snapshot.directory = "/data/a";
  EXPECT_EQ(set_text(config, {{"dir", "../b/"}}), "OK");
  EXPECT_EQ(config.snapshot.directory, "/data/b");
}

}  // namespace
}  // namespace ashlar::config
