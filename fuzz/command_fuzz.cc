/// Commands of every data family, made from their specifications: bytes choose a command, which of its arguments are
/// there, and their values, with extremes among them. Each reply must be one complete RESP value. A new command is in
/// the table, so it is in here; families that need a server are fuzzed by tests/scenarios/random_commands.py.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
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
using command::Argument;

constexpr int kCommandsMax = 48;
constexpr std::size_t kWordsMax = 64;
constexpr std::uint64_t kStringBytesMax = 1 << 20;

constexpr auto kKeys = std::to_array<std::string_view>({"a", "b", "c", "d", ""});
constexpr auto kIntegers = std::to_array<std::string_view>(
    {"0", "1", "-1", "2", "3", "10", "-100", "1000", "65536", "4294967296", "9223372036854775807",
     "-9223372036854775808", "9223372036854775808", "-9223372036854775807", "1700000000000", "007", "1.5", "", "x"});
constexpr auto kDoubles = std::to_array<std::string_view>({"0", "1", "-1.5", "2.5e3", "inf", "-inf", "nan", "1e308",
                                                           "-1e308", "1e-320", "1e400", "0x10", "(1", "(inf", "", "x"});
constexpr auto kTexts = std::to_array<std::string_view>({"a",
                                                         "b",
                                                         "c",
                                                         "member",
                                                         "1",
                                                         "2",
                                                         "3.5",
                                                         "-",
                                                         "+",
                                                         "[a",
                                                         "(b",
                                                         "*",
                                                         "$",
                                                         ">",
                                                         "0-0",
                                                         "1-1",
                                                         "1700000000000-5",
                                                         "u8",
                                                         "i5",
                                                         "#1",
                                                         "7",
                                                         "0",
                                                         "km",
                                                         "m",
                                                         "13.36",
                                                         "38.11",
                                                         "~",
                                                         "=",
                                                         "w_*->f",
                                                         ""});
constexpr auto kPatterns = std::to_array<std::string_view>({"*", "?", "[a-c]*", "[^a", "\\", "a*b*c*d*e", ""});

/// The input, a choice at a time; zeros behind its end.
class Choices {
 public:
  Choices(const std::uint8_t* data, std::size_t size) : left_(reinterpret_cast<const char*>(data), size) {}
  [[nodiscard]] bool any() const { return !left_.empty(); }
  std::uint8_t byte() {
    if (left_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(left_.front());
    left_.remove_prefix(1);
    return value;
  }
  template <std::size_t N>
  std::string_view of(const std::array<std::string_view, N>& values) {
    return values[byte() % N];
  }
  /// Raw bytes, up to 31.
  std::string_view raw() {
    const std::string_view bytes = left_.substr(0, byte() % 32);
    left_.remove_prefix(std::min(left_.size(), bytes.size()));
    return bytes;
  }

 private:
  std::string_view left_;
};

std::string_view value_of(const Argument& argument, Choices& choices) {
  const std::uint8_t mood = choices.byte();
  if (mood >= 0xF0) return choices.raw();
  if (argument.name == "numkeys" || argument.name == "numfields") return kIntegers[mood % 5];
  switch (argument.type) {
    case Argument::Type::kKey: return choices.of(kKeys);
    case Argument::Type::kInteger:
    case Argument::Type::kUnixTime: return choices.of(kIntegers);
    case Argument::Type::kDouble: return choices.of(kDoubles);
    case Argument::Type::kPattern: return choices.of(kPatterns);
    default: return choices.of(kTexts);
  }
}

void append(const std::vector<Argument>& arguments, Choices& choices, std::vector<std::string>& words);

void append_once(const Argument& argument, Choices& choices, std::vector<std::string>& words) {
  switch (argument.type) {
    case Argument::Type::kPureToken: return;  // the word is there already
    case Argument::Type::kOneOf:
      return append({argument.parts[choices.byte() % argument.parts.size()]}, choices, words);
    case Argument::Type::kBlock: return append(argument.parts, choices, words);
    default: words.emplace_back(value_of(argument, choices));
  }
}

void append(const std::vector<Argument>& arguments, Choices& choices, std::vector<std::string>& words) {
  for (const Argument& argument : arguments) {
    if (argument.optional && choices.byte() % 2 == 0) continue;
    const int times = argument.multiple ? 1 + choices.byte() % 4 : 1;
    for (int i = 0; i < times && words.size() < kWordsMax; ++i) {
      const bool token = argument.has_token || !argument.token.empty();
      if (token && (i == 0 || argument.multiple_token)) words.push_back(argument.token);
      append_once(argument, choices, words);
    }
  }
}

/// The families, and the table that they fill.
struct World {
  World() {
    strings.set_max_bytes(kStringBytesMax);
    strings.register_in(runner.table);
    generic.register_in(runner.table);
    commands::register_list_commands(runner.table);
    commands::register_set_commands(runner.table);
    commands::register_hash_commands(runner.table);
    commands::register_zset_commands(runner.table);
    commands::register_stream_commands(runner.table);
    commands::register_bitmap_commands(runner.table);
    commands::register_hll_commands(runner.table);
    commands::register_geo_commands(runner.table);
    for (const auto& command : runner.table.all()) {
      if (!command->spec.is(command::Flag::kContainer)) callable.push_back(command.get());
    }
  }

  commands::testing::Runner runner;
  commands::StringCommands strings;
  commands::GenericCommands generic{{[](const keyspace::Entry& entry) { return snapshot::dump_value(entry); },
                                     [](std::string_view payload, const keyspace::EncodingLimits& limits) {
                                       const snapshot::RdbLimits bounds{.string_bytes_max = kStringBytesMax,
                                                                        .encoding = limits};
                                       return snapshot::restore_value(payload, bounds);
                                     }},
                                    commands::ServerMode::kStandalone};
  std::vector<const command::Command*> callable;
};

void run_one(World& world, Choices& choices) {
  const command::Command& command = *world.callable[(choices.byte() * 256U + choices.byte()) % world.callable.size()];
  const std::string_view name = command.spec.name;
  std::vector<std::string> words;
  const std::size_t bar = name.find('|');
  words.emplace_back(name.substr(0, bar));
  if (bar != std::string_view::npos) words.emplace_back(name.substr(bar + 1));
  const auto arguments = command::parse_syntax(command.spec.syntax);
  ASH_CHECK(arguments.has_value());
  append(*arguments, choices, words);

  const std::vector<std::string_view> args(words.begin(), words.end());
  const std::string reply = world.runner.run(args);
  if (reply == "wrong arity" || world.runner.blocked) return;
  resp::ReplyReader reader;
  reader.feed(reply);
  const auto value = reader.next();
  ASH_CHECK(value.has_value() && value->has_value() && reader.pending_bytes() == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Choices choices(data, size);
  World world;
  const std::uint8_t setting = choices.byte();
  if (setting % 2 == 1) world.runner.version = resp::Version::kResp3;
  world.runner.may_block = setting % 4 >= 2;
  for (int i = 0; i < kCommandsMax && choices.any(); ++i) {
    run_one(world, choices);
    if (i % 8 == 7) world.runner.clock.advance(Millis(100 * choices.byte()));
  }
  return 0;
}
