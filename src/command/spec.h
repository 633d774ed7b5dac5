/// What is known about a command before it runs: one value that drives arity, key extraction, routing, ACL, COMMAND
/// replies, hints and fuzzing. Each stands beside its handler. Thread: constants, any.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace ashlar::command {

/// Number of arguments, the command's own name (and subcommand) included.
struct Arity {
  std::uint16_t count;
  bool open_ended;
  [[nodiscard]] constexpr bool accepts(std::size_t argc) const noexcept {
    return open_ended ? argc >= count : argc == count;
  }
  /// As COMMAND INFO says it: negative for "at least".
  [[nodiscard]] constexpr int wire() const noexcept { return open_ended ? -int{count} : int{count}; }
};
[[nodiscard]] constexpr Arity exactly(std::uint16_t n) noexcept { return {n, false}; }
[[nodiscard]] constexpr Arity at_least(std::uint16_t n) noexcept { return {n, true}; }

/// Source: COMMAND INFO flags of Redis 7.2. Combine with |.
enum class Flag : std::uint32_t {
  kNone = 0,
  kWrite = 1U << 0,
  kReadOnly = 1U << 1,
  kDenyOom = 1U << 2,
  kAdmin = 1U << 3,
  kPubSub = 1U << 4,
  kNoScript = 1U << 5,
  kBlocking = 1U << 6,
  kLoading = 1U << 7,  // allowed while the dataset is loaded
  kStale = 1U << 8,    // allowed on a replica that lost its primary
  kSkipMonitor = 1U << 9,
  kAsking = 1U << 10,  // as if ASKING had been sent
  kFast = 1U << 11,
  kNoAuth = 1U << 12,  // allowed before authentication
  kMayReplicate = 1U << 13,
  kNoMulti = 1U << 14,
  kNoAsyncLoading = 1U << 15,
  kAllowBusy = 1U << 16,
  kProtected = 1U << 17,
  kTouchesArbitraryKeys = 1U << 18,
  kNoMandatoryKeys = 1U << 19,
  kSkipSlowlog = 1U << 20,
  kMovableKeys = 1U << 21,  // the first/last/step triple does not tell all keys
  // Ours, not shown to clients:
  kWholeKeyspace = 1U << 22,   // runs with every other thread stopped at a safe point
  kContainer = 1U << 23,       // has subcommands and nothing else
  kSubscribed = 1U << 28,      // allowed on a RESP2 connection that is subscribed
  kHasSubcommands = 1U << 24,  // set by the table: the second argument may name a subcommand
  kComposite = 1U << 25,       // locks nothing before it runs: opens a group (command/inner_calls.h)
  kImmediate = 1U << 26,       // runs at once inside MULTI instead of being queued
  kRunsQueue = 1U << 27,       // EXEC: what is asked of a command is asked of the queued ones
  kDefers = 1U << 29,          // may answer when it has long ended (Session::defer()): no script can wait for that
  kServesOpenSlot = 1U << 30,  // runs on both nodes of a slot that moves, whether the keys are there or not
};
[[nodiscard]] constexpr Flag operator|(Flag a, Flag b) noexcept {
  return static_cast<Flag>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
[[nodiscard]] constexpr Flag operator&(Flag a, Flag b) noexcept {
  return static_cast<Flag>(static_cast<std::uint32_t>(a) & static_cast<std::uint32_t>(b));
}
[[nodiscard]] constexpr bool has(Flag set, Flag any_of) noexcept {
  return (static_cast<std::uint32_t>(set) & static_cast<std::uint32_t>(any_of)) != 0;
}

/// Groups as in COMMAND DOCS.
enum class Group : std::uint8_t {
  kGeneric,
  kString,
  kList,
  kSet,
  kSortedSet,
  kHash,
  kPubSub,
  kTransactions,
  kConnection,
  kServer,
  kScripting,
  kHyperLogLog,
  kCluster,
  kGeo,
  kStream,
  kBitmap,
};
[[nodiscard]] std::string_view group_name(Group group) noexcept;

/// ACL categories that do not follow from flags. Source: ACL CAT.
enum class Category : std::uint32_t {
  kNone = 0,
  kKeyspace = 1U << 0,
  kString = 1U << 1,
  kList = 1U << 2,
  kSet = 1U << 3,
  kSortedSet = 1U << 4,
  kHash = 1U << 5,
  kBitmap = 1U << 6,
  kHyperLogLog = 1U << 7,
  kGeo = 1U << 8,
  kStream = 1U << 9,
  kPubSub = 1U << 10,
  kDangerous = 1U << 11,
  kConnection = 1U << 12,
  kTransaction = 1U << 13,
  kScripting = 1U << 14,
  kAdmin = 1U << 15,  // beside what Flag::kAdmin says by itself
};
[[nodiscard]] constexpr Category operator|(Category a, Category b) noexcept {
  return static_cast<Category>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}

/// What a command does with a key as a whole.
enum class KeyAccess : std::uint8_t { kRO, kRW, kOW, kRM };
/// What it does with the data of the key; combine with |.
enum class KeyAction : std::uint8_t {
  kNone = 0,
  kAccess = 1,
  kUpdate = 2,
  kInsert = 4,
  kDelete = 8,
  kIncomplete = 16,
  kVariable = 32,
  kNotKey = 64,
};
[[nodiscard]] constexpr KeyAction operator|(KeyAction a, KeyAction b) noexcept {
  return static_cast<KeyAction>(static_cast<std::uint8_t>(a) | static_cast<std::uint8_t>(b));
}
[[nodiscard]] constexpr bool has(KeyAction set, KeyAction any_of) noexcept {
  return (static_cast<std::uint8_t>(set) & static_cast<std::uint8_t>(any_of)) != 0;
}

/// Where a group of keys stands among the arguments. Source: Redis "Command key specifications".
struct KeySpec {
  enum class Begin : std::uint8_t { kNone, kIndex, kKeyword, kUnknown };
  enum class Find : std::uint8_t { kRange, kKeyNum, kUnknown };
  Begin begin = Begin::kNone;
  std::int16_t index = 0;  // kIndex: position; kKeyword: where the search starts (negative: from the end)
  std::string_view keyword = {};
  Find find = Find::kRange;
  std::int16_t last = 0;  // kRange: last key relative to the first; negative: from the end
  std::int16_t step = 1;
  std::int16_t limit = 0;         // kRange with last -1: 0 all, 2 half of the rest, ...
  std::int16_t keynum_index = 0;  // kKeyNum: where the number stands, relative to the beginning
  std::int16_t first_key = 0;     // kKeyNum: where the first key stands, relative to the beginning
  KeyAccess access = KeyAccess::kRO;
  KeyAction action = KeyAction::kNone;
};

[[nodiscard]] constexpr KeySpec key_range(std::int16_t first, std::int16_t last, std::int16_t step, KeyAccess access,
                                          KeyAction action) noexcept {
  return {
      .begin = KeySpec::Begin::kIndex, .index = first, .last = last, .step = step, .access = access, .action = action};
}
[[nodiscard]] constexpr KeySpec one_key(std::int16_t index, KeyAccess access, KeyAction action) noexcept {
  return key_range(index, 0, 1, access, action);
}
[[nodiscard]] constexpr KeySpec unknown_keys(KeyAccess access, KeyAction action) noexcept {
  return {.begin = KeySpec::Begin::kUnknown, .find = KeySpec::Find::kUnknown, .access = access, .action = action};
}

/// Positions of keys in a command, found by the specs or by the command's own extractor.
struct KeyPosition {
  std::uint32_t argument;
  KeyAccess access;
  KeyAction action;
};

/// For the few commands whose options decide what happens to their keys (SET ... GET): the use of all keys, given the
/// arguments.
struct KeyUse {
  KeyAccess access;
  KeyAction action;
};
using KeyVariation = KeyUse (*)(std::span<const std::string_view> args);

/// Which arguments of a command name pub/sub channels, for the channel permissions of users.
enum class Channels : std::uint8_t {
  kNone,
  kPublished,   // the first argument is a channel that is published to
  kSubscribed,  // all arguments are channels
  kPatterns,    // all arguments are patterns of channels
};

/// For the few commands whose keys a KeySpec cannot tell (SORT ... STORE, MIGRATE ... KEYS). Appends positions of real
/// arguments, whatever the client sent.
using KeyExtractor = void (*)(std::span<const std::string_view> args, std::vector<KeyPosition>& out);

/// Whether argument `index` must not be shown to others (MONITOR, logs): passwords.
using IsSecret = bool (*)(std::span<const std::string_view> args, std::size_t index);

struct CommandSpec {
  std::string_view name;  // lower case; "config|get" for a subcommand
  Arity arity;
  Flag flags = Flag::kNone;
  Group group = Group::kGeneric;
  Category categories = Category::kNone;
  std::array<KeySpec, 3> keys = {};
  std::string_view since = "1.0.0";
  std::string_view complexity = "O(1)";
  std::string_view summary = {};
  /// Arguments behind the name, in the notation of the reference: `key value [NX | XX] [EX seconds | PX milliseconds]`.
  /// COMMAND DOCS and hints are derived from it (command/syntax.h).
  std::string_view syntax = {};
  /// Comma-separated COMMAND tips: "nondeterministic_output,request_policy:all_shards".
  std::string_view tips = {};
  /// History lines are not kept; replaced_by names the successor of a deprecated command.
  std::string_view replaced_by = {};
  std::string_view deprecated_since = {};
  KeyExtractor extractor = nullptr;
  KeyVariation variation = nullptr;
  Channels channels = Channels::kNone;
  IsSecret secrets = nullptr;

  [[nodiscard]] constexpr bool is(Flag any_of) const noexcept { return has(flags, any_of); }
  [[nodiscard]] constexpr bool has_keys() const noexcept { return keys[0].begin != KeySpec::Begin::kNone; }
};

}  // namespace ashlar::command
