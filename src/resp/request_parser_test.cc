#include "resp/request_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/buffer.h"
#include "base/rng.h"

namespace ashlar::resp {
namespace {

using Command = std::vector<std::string>;

struct Outcome {
  std::vector<Command> commands;
  std::string error;
  std::size_t consumed = 0;
  bool operator==(const Outcome&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  for (const Command& command : outcome.commands) {
    out << "[";
    for (const std::string& arg : command) out << " '" << arg << "'";
    out << " ] ";
  }
  return out << "error '" << outcome.error << "' consumed " << outcome.consumed;
}

/// Feeds `pieces` one after the other through a buffer that moves, one batch a piece, like a connection does.
Outcome feed(const std::vector<std::string_view>& pieces, const Limits& limits = {}) {
  Outcome outcome;
  RequestParser parser;
  CommandBatch batch;
  std::string unread;
  for (const std::string_view piece : pieces) {
    std::string moved = unread + std::string(piece);
    unread = std::move(moved);
    while (true) {
      const Parsed parsed = parser.parse(unread, limits, 3, batch);
      std::size_t bytes = 0;
      for (std::size_t i = 0; i < batch.size(); ++i) {
        outcome.commands.emplace_back(batch[i].begin(), batch[i].end());
        bytes += batch.bytes(i);
      }
      EXPECT_LE(bytes, parsed.consumed);
      outcome.consumed += parsed.consumed;
      unread.erase(0, parsed.consumed);
      if (parsed.status == ParseStatus::kComplete) continue;
      if (parsed.status == ParseStatus::kError) {
        outcome.error = parser.error();
        return outcome;
      }
      break;
    }
  }
  return outcome;
}

/// The outcome of `text`, however it is cut in two or into single bytes.
Outcome parse(std::string_view text, const Limits& limits = {}) {
  Outcome whole = feed({text}, limits);
  std::vector<std::string_view> bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bytes.push_back(text.substr(i, 1));
    EXPECT_EQ(feed({text.substr(0, i), text.substr(i)}, limits), whole) << "cut at " << i;
  }
  EXPECT_EQ(feed(bytes, limits), whole) << "byte by byte";
  return whole;
}

std::string error_of(std::string_view text, const Limits& limits = {}) { return parse(text, limits).error; }

TEST(RequestParser, ReadsAMultibulkCommand) {
  const Outcome got = parse("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n");
  EXPECT_EQ(got.commands, (std::vector<Command>{{"SET", "k", ""}}));
  EXPECT_EQ(got.error, "");
  EXPECT_EQ(got.consumed, 26U);
}

TEST(RequestParser, ArgumentsMayHoldAnyByte) {
  using namespace std::string_literals;
  EXPECT_EQ(parse("*2\r\n$4\r\n\r\n$1\r\n$3\r\n\0*\xff\r\n"s).commands,
            (std::vector<Command>{{"\r\n$1"s, "\0*\xff"s}}));
}

TEST(RequestParser, ReadsPipelinedCommandsAndKeepsTheIncompleteOne) {
  const Outcome got = parse(
      "*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$12\r\nabcdefghijkl\r\nPING\r\n*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nQUIT\r\n"
      "*2\r\n$3\r\nGET\r\n$5\r\nabc");
  EXPECT_EQ(got.commands, (std::vector<Command>{{"PING"}, {"GET", "abcdefghijkl"}, {"PING"}, {"PING"}, {"QUIT"}}));
  EXPECT_EQ(got.consumed, 14U + 32U + 6U + 14U + 14U);
}

TEST(RequestParser, SkipsEmptyCommands) {
  const Outcome got = parse("*0\r\n\r\n\n*-1\r\n   \r\n*1\r\n$4\r\nPING\r\n*0\r\n");
  EXPECT_EQ(got.commands, (std::vector<Command>{{"PING"}}));
  EXPECT_EQ(got.consumed, 4U + 2U + 1U + 5U + 5U + 14U + 4U);
}

TEST(RequestParser, ReadsInlineCommands) {
  EXPECT_EQ(parse("PING\r\nset  key\tvalue \nGET key\r\n").commands,
            (std::vector<Command>{{"PING"}, {"set", "key", "value"}, {"GET", "key"}}));
}

TEST(RequestParser, InlineQuotesAreUndone) {
  EXPECT_EQ(parse(R"(set "a b" 'c d' "\x41\n\"\q\\" 'it\'s\n' x"y z" "")"
                  "\r\n")
                .commands,
            (std::vector<Command>{{"set", "a b", "c d", "A\n\"q\\", "it's\\n", "xy z", ""}}));
}

TEST(RequestParser, DecodedInlineArgumentsLiveForTheWholeBatch) {
  EXPECT_EQ(parse("echo \"\\x61-a-long-word-that-is-on-the-heap-for-sure\"\necho \"\\x62\"\nping\n").commands,
            (std::vector<Command>{{"echo", "a-a-long-word-that-is-on-the-heap-for-sure"}, {"echo", "b"}, {"ping"}}));
}

/// Observed with redis-server 7.0.15.
TEST(RequestParser, IsAsLenientAsRedis) {
  EXPECT_EQ(parse("*1\r\n$4\r\nPINGxxPING\r\n").commands, (std::vector<Command>{{"PING"}, {"PING"}}));
  EXPECT_EQ(parse("*2\rX$4\rXECHO\r\n$1\r\na\r\n").commands, (std::vector<Command>{{"ECHO", "a"}}));
  EXPECT_EQ(parse("echo \x0b"
                  "a\x0b"
                  "b\r\n")
                .commands,
            (std::vector<Command>{{"echo",
                                   "a\x0b"
                                   "b"}}));
  EXPECT_EQ(parse("echo \"\\x4\"\r\n").commands, (std::vector<Command>{{"echo", "x4"}}));
}

TEST(RequestParser, RefusesUnbalancedQuotes) {
  const std::string expected = "Protocol error: unbalanced quotes in request";
  EXPECT_EQ(error_of("set \"a\r\n"), expected);
  EXPECT_EQ(error_of("set 'a\r\n"), expected);
  EXPECT_EQ(error_of("set \"a\"b\r\n"), expected);
  EXPECT_EQ(error_of("set 'a'b\r\n"), expected);
  EXPECT_EQ(error_of("set \"a\\\r\n"), expected);
}

TEST(RequestParser, CommandsBeforeAnErrorAreDelivered) {
  const Outcome got = parse("*1\r\n$4\r\nPING\r\n*x\r\n");
  EXPECT_EQ(got.commands, (std::vector<Command>{{"PING"}}));
  EXPECT_EQ(got.error, "Protocol error: invalid multibulk length");
}

TEST(RequestParser, TakesAsManyArgumentsAsRedisAndNoMemoryForThemBeforeTheyCome) {
  EXPECT_EQ(error_of("*2147483647\r\n$1\r\na\r\n"), "");
}

TEST(RequestParser, RefusesBadCounts) {
  const std::string expected = "Protocol error: invalid multibulk length";
  for (const char* count : {"", "x", "+1", "01", "1 ", " 1", "2147483648", "99999999999999999999", "-x"}) {
    EXPECT_EQ(error_of("*" + std::string(count) + "\r\n"), expected) << count;
  }
}

TEST(RequestParser, RefusesBadArgumentLengths) {
  const std::string expected = "Protocol error: invalid bulk length";
  for (const char* length : {"", "x", "-1", "+1", "007", "536870913", "9223372036854775807", "18446744073709551616"}) {
    EXPECT_EQ(error_of("*1\r\n$" + std::string(length) + "\r\n"), expected) << length;
  }
}

TEST(RequestParser, NamesTheByteThatIsNoDollar) {
  EXPECT_EQ(error_of("*1\r\nfoo\r\n"), "Protocol error: expected '$', got 'f'");
  EXPECT_EQ(error_of("*2\r\n$1\r\na\r\n\r\n"), "Protocol error: expected '$', got '\r'");
}

TEST(RequestParser, BoundsWhatAnUnauthenticatedClientMaySend) {
  const Limits limits{.login = Login::kUnauthenticated};
  EXPECT_EQ(error_of("*11\r\n", limits), "Protocol error: unauthenticated multibulk length");
  EXPECT_EQ(error_of("*1\r\n$16385\r\n", limits), "Protocol error: unauthenticated bulk length");
  EXPECT_EQ(error_of("*10\r\n$16384\r\n", limits), "");
  EXPECT_EQ(parse("*2\r\n$4\r\nAUTH\r\n$1\r\nx\r\n", limits).commands, (std::vector<Command>{{"AUTH", "x"}}));
}

TEST(RequestParser, KeepsTheLimitsOfTheConfiguration) {
  const Limits limits{.max_bulk_len = 5, .max_args = 2};
  EXPECT_EQ(parse("*2\r\n$5\r\n12345\r\n$0\r\n\r\n", limits).commands, (std::vector<Command>{{"12345", ""}}));
  EXPECT_EQ(error_of("*1\r\n$6\r\n123456\r\n", limits), "Protocol error: invalid bulk length");
  EXPECT_EQ(error_of("*3\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n", limits), "Protocol error: invalid multibulk length");
}

TEST(RequestParser, RefusesLinesThatNeverEnd) {
  const std::string most(Limits::kMaxLine - 1, '1');
  EXPECT_EQ(feed({"x" + most}).error, "");
  EXPECT_EQ(feed({"x" + most + "1"}).error, "Protocol error: too big inline request");
  EXPECT_EQ(feed({"x" + most, "1", "\r\n"}).error, "Protocol error: too big inline request");
  EXPECT_EQ(feed({"x" + most, "\n"}).commands.size(), 1U);
  EXPECT_EQ(feed({"*" + most}).error, "");
  EXPECT_EQ(feed({"*" + most, "1"}).error, "Protocol error: too big mbulk count string");
  EXPECT_EQ(feed({"*1\r\n$" + most}).error, "");
  EXPECT_EQ(feed({"*1\r\n$" + most, "1"}).error, "Protocol error: too big bulk count string");
}

TEST(RequestParser, StaysBrokenAfterAnError) {
  RequestParser parser;
  CommandBatch batch;
  EXPECT_EQ(parser.parse("*x\r\n", {}, 1, batch).status, ParseStatus::kError);
  EXPECT_EQ(parser.parse("*1\r\n$4\r\nPING\r\n", {}, 1, batch).status, ParseStatus::kError);
  EXPECT_TRUE(batch.empty());
}

TEST(RequestParser, TellsHowManyBytesABigArgumentLacks) {
  RequestParser parser;
  CommandBatch batch;
  std::string input = "*2\r\n$3\r\nSET\r\n$100000";
  EXPECT_EQ(parser.parse(input, {}, 1, batch).status, ParseStatus::kNeedMore);
  EXPECT_EQ(parser.missing_bytes(), 0U);
  input += "\r\n123";
  EXPECT_EQ(parser.parse(input, {}, 1, batch).status, ParseStatus::kNeedMore);
  EXPECT_EQ(parser.missing_bytes(), 100'000U - 3 + 2);
  input += std::string(100'000 - 3, 'x') + "\r\n";
  const Parsed parsed = parser.parse(input, {}, 1, batch);
  EXPECT_EQ(parsed.status, ParseStatus::kComplete);
  EXPECT_EQ(parsed.consumed, input.size());
  EXPECT_EQ(batch[0][1].size(), 100'000U);
  EXPECT_EQ(parser.parse("", {}, 1, batch).status, ParseStatus::kNeedMore);
  EXPECT_EQ(parser.missing_bytes(), 0U);
}

TEST(RequestParser, ABatchEndsAtTheBoundOnCommands) {
  RequestParser parser;
  CommandBatch batch;
  const std::string_view input = "PING\r\nPING\r\nPING\r\n";
  const Parsed parsed = parser.parse(input, {}, 2, batch);
  EXPECT_EQ(parsed.status, ParseStatus::kComplete);
  EXPECT_EQ(parsed.consumed, 12U);
  EXPECT_EQ(batch.size(), 2U);
  EXPECT_EQ(batch.bytes(1), 6U);
}

/// Half a million arguments, one read of 1,000 bytes at a time: quadratic work would take minutes.
TEST(RequestParser, ManyArgumentsInManyPiecesCostLinearTime) {
  constexpr std::size_t kArgs = 500'000;
  std::string input = "*" + std::to_string(kArgs) + "\r\n";
  for (std::size_t i = 0; i < kArgs; ++i) input += "$1\r\nx\r\n";
  RequestParser parser;
  CommandBatch batch;
  for (std::size_t end = 1000; end < input.size(); end += 1000) {
    ASSERT_EQ(parser.parse(std::string_view(input).substr(0, end), {}, 1, batch).status, ParseStatus::kNeedMore);
  }
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(parser.parse(input, {}, 1, batch).status, ParseStatus::kComplete);
  EXPECT_EQ(batch[0].size(), kArgs);
  EXPECT_EQ(batch[0].back(), "x");
}

TEST(RequestParser, RandomPiecesGiveTheSameCommands) {
  Rng rng(11);
  for (int round = 0; round < 300; ++round) {
    std::string text;
    std::vector<Command> expected;
    for (std::uint64_t n = rng.below(12); n > 0; --n) {
      Command command;
      for (std::uint64_t args = 1 + rng.below(5); args > 0; --args) {
        command.emplace_back(rng.below(rng.chance(0.1) ? 3000 : 20), static_cast<char>(rng.below(256)));
      }
      text += "*" + std::to_string(command.size()) + "\r\n";
      for (const std::string& arg : command) text += "$" + std::to_string(arg.size()) + "\r\n" + arg + "\r\n";
      expected.push_back(std::move(command));
    }
    std::vector<std::string_view> pieces;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t length = 1 + rng.below(100);
      pieces.push_back(std::string_view(text).substr(at, length));
      at += pieces.back().size();
    }
    const Outcome got = feed(pieces);
    ASSERT_EQ(got.commands, expected);
    ASSERT_EQ(got.consumed, text.size());
  }
}

}  // namespace
}  // namespace ashlar::resp
