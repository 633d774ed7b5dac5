/// Sequences of commands of all data types, made from the input's bytes: every reply is one well-formed reply, and the
/// recorded effects, applied to a second key space as a replica does, make the same data.
/// FUZZ_SHOW=1 in the environment prints the commands of an input.
#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "command/syntax.h"
#include "commands/bitmap/commands.h"
#include "commands/generic/commands.h"
#include "commands/geo/commands.h"
#include "commands/hash/commands.h"
#include "commands/hll/commands.h"
#include "commands/list/commands.h"
#include "commands/set/commands.h"
#include "commands/stream/commands.h"
#include "commands/string/commands.h"
#include "commands/testing/run.h"
#include "commands/zset/commands.h"
#include "resp/reply_reader.h"
#include "snapshot/dump_payload.h"

namespace {

using namespace ashlar;
using Words = std::vector<std::string>;

constexpr std::array<std::string_view, 6> kKeys = {"k", "l", "m", "n{x}", "o{x}", ""};
/// Bounds of every kind. Nothing between 2^17 and 2^32, which would make values of many megabytes.
constexpr auto kNumbers = std::to_array<std::string_view>({"0",
                                                           "1",
                                                           "-1",
                                                           "2",
                                                           "3",
                                                           "-2",
                                                           "5",
                                                           "7",
                                                           "8",
                                                           "10",
                                                           "-10",
                                                           "16",
                                                           "63",
                                                           "64",
                                                           "65",
                                                           "100",
                                                           "127",
                                                           "128",
                                                           "255",
                                                           "256",
                                                           "1000",
                                                           "-1000",
                                                           "32768",
                                                           "65535",
                                                           "65536",
                                                           "4294967296",
                                                           "1700000000",
                                                           "1700000001000",
                                                           "9007199254740993",
                                                           "9223372036854775807",
                                                           "9223372036854775808",
                                                           "-9223372036854775808",
                                                           "18446744073709551615",
                                                           "18446744073709551616",
                                                           "-0",
                                                           "01",
                                                           "+1",
                                                           "1.5",
                                                           "-2.25",
                                                           "1e308",
                                                           "3.0e3",
                                                           "inf",
                                                           "-inf",
                                                           "nan",
                                                           "0x10",
                                                           "1e400",
                                                           "123456789012345678901234567890"});
constexpr auto kTexts =
    std::to_array<std::string_view>({"a",
                                     "b",
                                     "c",
                                     "d",
                                     "abc",
                                     "field",
                                     "*",
                                     "?",
                                     "[a-c]",
                                     "-",
                                     "+",
                                     "(",
                                     "[",
                                     "[a",
                                     "(a",
                                     "[c",
                                     "(1",
                                     "(inf",
                                     "$",
                                     ">",
                                     "=",
                                     "~",
                                     "1-1",
                                     "1-*",
                                     "2-0",
                                     "5-5",
                                     "(1-1",
                                     "0-0",
                                     "0",
                                     "1",
                                     "2",
                                     "3",
                                     "grp",
                                     "consumer",
                                     "u8",
                                     "i64",
                                     "u63",
                                     "#1",
                                     "i5",
                                     "#0",
                                     "km",
                                     "13.361389",
                                     "38.115556",
                                     "-122.4",
                                     "85.05112878",
                                     "181",
                                     "k",
                                     "l",
                                     "set",
                                     "incrby",
                                     "get",
                                     "k*",
                                     "*->field",
                                     "nosort",
                                     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                     "0-1",
                                     "x\r\ny"});

/// Takes values from the input until it is used up, and zeros from then on.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}
  [[nodiscard]] bool empty() const { return rest_.empty(); }
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto b = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return b;
  }
  template <typename List>
  std::string_view any_of(const List& list) {
    return list[byte() % std::size(list)];
  }
  /// Without blanks: the runner joins recorded words by them.
  std::string raw() {
    std::string text(rest_.substr(0, byte() % 24));
    rest_.remove_prefix(std::min(text.size(), rest_.size()));
    std::replace(text.begin(), text.end(), ' ', '_');
    return text;
  }

 private:
  std::string_view rest_;
};

/// The option words in the notation of a command.
Words options_of(std::string_view syntax) {
  Words words;
  std::string word;
  for (const char c : std::string(syntax) + ' ') {
    if ((c >= 'A' && c <= 'Z') || (!word.empty() && (std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '_'))) {
      word += c;
    } else {
      if (word.size() > 1) words.push_back(word);
      word.clear();
    }
  }
  if (words.empty()) words.emplace_back("COUNT");
  return words;
}

/// A key space with the commands of all data types.
struct Store {
  Store() : generic(codec(), commands::ServerMode::kStandalone) {
    strings.set_max_bytes(1 << 20);
    strings.register_in(runner.table);
    generic.register_in(runner.table);
    commands::register_list_commands(runner.table);
    commands::register_hash_commands(runner.table);
    commands::register_set_commands(runner.table);
    commands::register_zset_commands(runner.table);
    commands::register_stream_commands(runner.table);
    commands::register_geo_commands(runner.table);
    commands::register_hll_commands(runner.table);
    commands::register_bitmap_commands(runner.table);
  }
  static commands::PayloadCodec codec() {
    return {[](const keyspace::Entry& entry) { return snapshot::dump_value(entry); },
            [](std::string_view payload, const keyspace::EncodingLimits& limits) {
              return snapshot::restore_value(payload, {.string_bytes_max = 1 << 20, .encoding = limits});
            }};
  }
  commands::StringCommands strings;
  commands::GenericCommands generic;
  commands::testing::Runner runner{2};
};

bool shown() {
  static const bool kShown = std::getenv("FUZZ_SHOW") != nullptr;
  return kShown;
}

void show(const char* who, const std::vector<std::string_view>& words) {
  if (!shown()) return;
  std::fprintf(stderr, "%s", who);
  for (const std::string_view word : words) std::fprintf(stderr, " %.*s", static_cast<int>(word.size()), word.data());
  std::fprintf(stderr, "\n");
}

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> words;
  while (true) {
    const std::size_t end = line.find(' ');
    words.push_back(line.substr(0, end));
    if (end == std::string_view::npos) return words;
    line.remove_prefix(end + 1);
  }
}

class Pair {
 public:
  void run(const Words& command) {
    const std::vector<std::string_view> words(command.begin(), command.end());
    show(">", words);
    const std::string reply = primary_.runner.run(words);
    if (shown()) std::fprintf(stderr, "< %.300s\n", reply.c_str());
    if (reply != "wrong arity" && reply != "unknown command") check_reply(reply);
    follow();
  }
  void pass(Millis time) {
    primary_.runner.clock.advance(time);
    replica_.runner.clock.advance(time);
  }
  /// Begins anew, as if nothing had been: making a key space takes a hundred times as long as running a command.
  void reset() {
    for (Store* store : {&primary_, &replica_}) {
      static_cast<void>(store->runner.run({"flushall"}));
      store->runner.clock = ManualClock();
      store->runner.rng = Rng(1);
    }
  }
  void version(resp::Version version) { primary_.runner.version = version; }

  /// Reads everything from both. The first read lets the primary remove what has expired.
  void compare() {
    primary_.runner.version = resp::Version::kResp2;
    for (const std::string_view key : kKeys) run({"exists", std::string(key)});
    for (const std::string_view key : kKeys) {
      const std::string ours = content(primary_, key);
      const std::string theirs = content(replica_, key);
      if (ours != theirs) {
        std::fprintf(stderr, "%.*s differs\nprimary: %s\nreplica: %s\n", static_cast<int>(key.size()), key.data(),
                     ours.c_str(), theirs.c_str());
      }
      ASH_CHECK(ours == theirs);
    }
  }

 private:
  static void check_reply(const std::string& reply) {
    resp::ReplyReader reader;
    reader.feed(reply);
    const auto value = reader.next();
    if (!value || !*value || reader.pending_bytes() != 0) std::fprintf(stderr, "bad reply: %s\n", reply.c_str());
    ASH_CHECK(value && *value && reader.pending_bytes() == 0);
  }
  void follow() {
    for (const std::string& line : primary_.runner.recorded) {
      std::vector<std::string_view> words = split(line);
      if (words[0] == "expired") words[0] = "del";
      if (words[0] == "hexpired") words[0] = "hdel";
      show("  =", words);
      const std::string reply = replica_.runner.run_from(command::Origin::kPrimary, words);
      if (reply.starts_with('-')) std::fprintf(stderr, "replica: %s: %s\n", line.c_str(), reply.c_str());
      ASH_CHECK(!reply.starts_with('-'));
    }
  }
  /// The same text for the same data, whatever the order in which a table walks.
  static std::string content(Store& store, std::string_view key) {
    auto& runner = store.runner;
    const auto role = runner.access.expiry_role;
    runner.access.expiry_role = keyspace::ExpiryRole::kApply;
    const std::string type = runner.run({"type", key});
    std::string text = type + runner.run({"pexpiretime", key});
    if (type == "+string\r\n") text += runner.run({"get", key});
    if (type == "+list\r\n") text += runner.run({"lrange", key, "0", "-1"});
    if (type == "+zset\r\n") text += runner.run({"zrange", key, "0", "-1", "withscores"});
    if (type == "+stream\r\n") {
      text += runner.run({"xrange", key, "-", "+"}) + runner.run({"xinfo", "stream", key}) +
              runner.run({"xinfo", "groups", key}) + runner.run({"xpending", key, "grp", "-", "+", "1000"});
    }
    if (type == "+set\r\n") text += sorted(runner.run({"smembers", key}), 1);
    if (type == "+hash\r\n") text += sorted(runner.run({"hgetall", key}), 2);
    runner.access.expiry_role = role;
    return text;
  }
  static std::string sorted(const std::string& reply, std::size_t group) {
    resp::ReplyReader reader;
    reader.feed(reply);
    const auto value = reader.next();
    ASH_CHECK(value && *value);
    Words members;
    const auto& items = (*value)->items();
    for (std::size_t i = 0; i + group <= items.size(); i += group) {
      std::string member;
      for (std::size_t j = i; j < i + group; ++j) member += std::string(items[j].text()) + '\0';
      members.push_back(std::move(member));
    }
    std::sort(members.begin(), members.end());
    std::string text;
    for (const auto& member : members) text += member + '\1';
    return text;
  }

  Store primary_;
  Store replica_;
};

/// What commands there are, without those that run others.
struct Vocabulary {
  std::vector<Words> names;  // one word, or two for a subcommand
  std::vector<Words> options;
  std::vector<std::vector<command::Argument>> syntax;

  Vocabulary() {
    Store store;
    for (const auto& command : store.runner.table.all()) {
      const auto& spec = command->spec;
      if (spec.is(command::Flag::kContainer)) continue;
      const std::string full(spec.name);
      const std::size_t bar = full.find('|');
      names.push_back(bar == std::string::npos ? Words{full} : Words{full.substr(0, bar), full.substr(bar + 1)});
      options.push_back(options_of(spec.syntax));
      syntax.push_back(command::parse_syntax(spec.syntax).value_or(std::vector<command::Argument>{}));
    }
  }
};

/// Adds what `argument` describes: as its notation has it, but that one value in sixteen is of a wrong kind.
void add_argument(Input& input, const command::Argument& argument, Words& words) {
  using Type = command::Argument::Type;
  if (argument.optional && input.byte() % 3 != 0) return;
  const std::size_t times = argument.multiple ? 1 + input.byte() % 4 : 1;
  for (std::size_t i = 0; i < times; ++i) {
    if (argument.has_token && (i == 0 || argument.multiple_token)) words.push_back(argument.token);
    const std::uint8_t kind = input.byte();
    switch (kind < 16 ? Type::kString : argument.type) {
      case Type::kPureToken: break;
      case Type::kOneOf: add_argument(input, argument.parts[kind % argument.parts.size()], words); break;
      case Type::kBlock:
        for (const auto& part : argument.parts) add_argument(input, part, words);
        break;
      case Type::kKey: words.emplace_back(input.any_of(kKeys)); break;
      case Type::kInteger:
        // Most integers are counts: of keys that follow, or small.
        words.emplace_back(kind % 2 == 0 ? std::to_string(kind % 4) : std::string(input.any_of(kNumbers)));
        break;
      case Type::kDouble:
      case Type::kUnixTime: words.emplace_back(input.any_of(kNumbers)); break;
      case Type::kString:
      case Type::kPattern:
        if (kind % 8 == 7) {
          words.push_back(input.raw());
        } else {
          words.emplace_back(input.any_of(kTexts));
        }
        break;
    }
  }
}

Words next_command(Input& input, const Vocabulary& vocabulary) {
  const std::size_t at = input.byte() % vocabulary.names.size();
  Words words = vocabulary.names[at];
  if (input.byte() % 4 != 0) {
    for (const auto& argument : vocabulary.syntax[at]) add_argument(input, argument, words);
    return words;
  }
  const std::size_t more = input.byte() % 10;
  for (std::size_t i = 0; i < more; ++i) {
    // Most commands begin with a key.
    const std::uint8_t kind = input.byte();
    if (kind < (i == 0 ? 220 : 50)) {
      words.emplace_back(input.any_of(kKeys));
    } else if (kind < 110) {
      words.emplace_back(input.any_of(kNumbers));
    } else if (kind < 160) {
      words.emplace_back(input.any_of(vocabulary.options[at]));
    } else if (kind < 240) {
      words.emplace_back(input.any_of(kTexts));
    } else {
      words.push_back(input.raw());
    }
  }
  return words;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Vocabulary kVocabulary;
  Input input(data, size);
  static Pair pair;  // tidy: allow(function-static): reset() begins anew
  pair.reset();
  pair.version(input.byte() % 2 == 0 ? resp::Version::kResp2 : resp::Version::kResp3);
  for (int i = 0; i < 200 && !input.empty(); ++i) {
    if (input.byte() < 16) pair.pass(Millis(input.byte() * 40));
    pair.run(next_command(input, kVocabulary));
  }
  pair.compare();
  return 0;
}
