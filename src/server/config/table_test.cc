#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "base/bytes.h"
#include "server/config/compat_page.h"
#include "server/config/directive.h"
#include "server/config/grammar.h"
#include "server/config/live.h"
#include "server/config/load.h"
#include "server/config/map_files.h"

namespace ashlar::config {
namespace {

std::string project_file(const std::string& path) {
  std::ifstream in(std::string(ASH_PROJECT_DIR) + "/" + path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

/// Lines of "name<TAB>value" below a heading.
std::vector<NameValue> rows_of(const std::string& path) {
  std::vector<NameValue> rows;
  std::istringstream in(project_file(path));
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    const auto tab = line.find('\t');
    rows.push_back({line.substr(0, tab), line.substr(tab + 1)});
  }
  return rows;
}

TEST(Table, AnswersEveryDefaultOfRedisAndValkey) {
  const auto rows = rows_of("tests/config/defaults.tsv");
  ASSERT_EQ(rows.size(), 228U);
  const Config config = defaults_of({.default_threads = 2, .working_directory = "/"});
  for (const NameValue& row : rows) {
    const Directive* directive = find_directive(row.name);
    ASSERT_NE(directive, nullptr) << row.name;
    EXPECT_EQ(spelling_of(*directive, row.name), row.name);
    EXPECT_EQ(format_value(config, *directive), row.value) << row.name;
  }
}
TEST(Table, LoadsTheDirectivesOfRedis5) {
  MapFiles files({{"/work/redis.conf", project_file("tests/config/redis-5.0.7.conf")}});
  const auto config = load({.arguments = {"redis.conf"}, .working_directory = "/work"}, files);
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(format_value(*config, *find_directive("save")), "900 1 300 10 60 10000");
  EXPECT_EQ(config->network.bind, std::vector<std::string>{"127.0.0.1"});
  EXPECT_EQ(config->snapshot.directory, "/work");
}
TEST(Table, GivesEveryNameToOneRow) {
  std::set<std::string, std::less<>> names;
  for (const DirectiveGroup& group : directive_groups()) {
    for (const Directive& directive : group.rows) {
      EXPECT_TRUE(names.emplace(directive.name).second) << directive.name;
      for (const auto alias : directive.alias_names) {
        EXPECT_TRUE(alias.empty() || names.emplace(alias).second) << alias;
      }
    }
  }
}
TEST(Table, TakesBackEveryValueItPrints) {
  const Config defaults;
  for (const DirectiveGroup& group : directive_groups()) {
    for (const Directive& directive : group.rows) {
      Config config;
      const std::string value = format_value(defaults, directive);
      const auto words = directive.takes_many() ? split_at_blanks(value) : std::vector<std::string>{value};
      if (directive.name == "replicaof" || directive.name == "appendfilename") continue;
      const auto done = assign(config, directive, words, Use::kFirst);
      EXPECT_TRUE(done) << directive.name << ": " << done.error().text();
      EXPECT_EQ(format_value(config, directive), value) << directive.name;
    }
  }
}
TEST(Table, SaysWhyADirectiveIsOnlyKept) {
  for (const DirectiveGroup& group : directive_groups()) {
    for (const Directive& directive : group.rows) {
      const bool by_name = directive.name == "oom-score-adj";  // the server asks for its text
      const bool bound = directive.binding.set != nullptr || directive.special != nullptr || by_name;
      EXPECT_TRUE(bound || !directive.reason.empty()) << directive.name;
    }
  }
}
TEST(Table, MarksSecrets) {
  for (const char* name : {"requirepass", "masterauth", "masteruser", "primaryauth", "tls-key-file-pass"}) {
    EXPECT_TRUE(find_directive(name)->is_sensitive) << name;
  }
  EXPECT_FALSE(find_directive("port")->is_sensitive);
}
TEST(CompatPage, IsTheOneInDocs) {
  EXPECT_TRUE(project_file("docs/compat-directives.md") == render_compat_page())
      << "run: build/dev/bin/config_tool compat > docs/compat-directives.md";
}

}  // namespace
}  // namespace ashlar::config
