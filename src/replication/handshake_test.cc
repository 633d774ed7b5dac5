#include "replication/handshake.h"

#include <gtest/gtest.h>

namespace ashlar::replication {
namespace {

constexpr std::string_view kId = "0123456789abcdef0123456789abcdef01234567";

TEST(PsyncAnswer, ReadsFullResync) {
  const auto answer = parse_psync_answer("+FULLRESYNC 0123456789abcdef0123456789abcdef01234567 42");
  ASSERT_TRUE(answer);
  EXPECT_EQ(*answer, PsyncAnswer(FullResync{*NodeId::from_hex(kId), 42}));
}

TEST(PsyncAnswer, ReadsContinueWithAndWithoutName) {
  EXPECT_EQ(*parse_psync_answer("+CONTINUE"), PsyncAnswer(Continue{}));
  EXPECT_EQ(*parse_psync_answer("+CONTINUE 0123456789abcdef0123456789abcdef01234567"),
            PsyncAnswer(Continue{NodeId::from_hex(kId)}));
}

TEST(PsyncAnswer, TakesErrorsAsTryLater) {
  EXPECT_EQ(*parse_psync_answer("-NOMASTERLINK no"), PsyncAnswer(TryLater{"NOMASTERLINK no"}));
}

TEST(PsyncAnswer, RefusesWhatIsNone) {
  for (const std::string_view bad :
       {"+FULLRESYNC", "+FULLRESYNC abc 1", "+FULLRESYNC 0123456789abcdef0123456789abcdef01234567",
        "+FULLRESYNC 0123456789abcdef0123456789abcdef01234567 -1", "+CONTINUE abc", "+CONTINUED", "+OK", ""}) {
    EXPECT_FALSE(parse_psync_answer(bad)) << bad;
  }
}

TEST(TransferHeader, ReadsLengthAndMark) {
  EXPECT_EQ(*parse_transfer_header("$175"), Framing(ByLength{175}));
  EXPECT_EQ(*parse_transfer_header("$EOF:0123456789abcdef0123456789abcdef01234567"), Framing(ByMark{std::string(kId)}));
}

TEST(TransferHeader, RefusesWhatIsNone) {
  for (const std::string_view bad : {"", "175", "$", "$-1", "$x", "$EOF:short", "$99999999999999999999", "-ERR no"}) {
    EXPECT_FALSE(parse_transfer_header(bad)) << bad;
  }
}

TEST(PsyncRequest, CountsFromOneOnTheWire) {
  const auto request = parse_psync_request(kId, "43");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->history, NodeId::from_hex(kId));
  EXPECT_EQ(request->position, 42);
}

TEST(PsyncRequest, AsksForAllWithAQuestionMark) {
  const auto request = parse_psync_request("?", "-1");
  ASSERT_TRUE(request);
  EXPECT_FALSE(request->history);
  EXPECT_FALSE(parse_psync_request("?", "x"));
  EXPECT_FALSE(parse_psync_request(kId, "0")->history);
}

TEST(Replconf, CollectsWhatAReplicaTells) {
  ReplicaTraits traits;
  EXPECT_TRUE(take_replconf(traits, "listening-port", "6380"));
  EXPECT_TRUE(take_replconf(traits, "capa", "eof"));
  EXPECT_TRUE(take_replconf(traits, "CAPA", "psync2"));
  EXPECT_TRUE(take_replconf(traits, "capa", "unheard-of"));
  EXPECT_EQ(traits.port, 6380);
  EXPECT_TRUE(traits.knows_mark);
  EXPECT_TRUE(traits.knows_psync2);
}

TEST(Replconf, NamesWhatASnapshotShallHold) {
  using Content = ReplicaTraits::Content;
  ReplicaTraits traits;
  EXPECT_EQ(traits.content, Content::kAll);
  EXPECT_TRUE(take_replconf(traits, "rdb-filter-only", ""));
  EXPECT_EQ(traits.content, Content::kNothing);
  EXPECT_TRUE(take_replconf(traits, "rdb-filter-only", "functions"));
  EXPECT_EQ(traits.content, Content::kFunctions);
  EXPECT_FALSE(take_replconf(traits, "rdb-filter-only", "functions keys"));
  EXPECT_EQ(traits.content, Content::kFunctions);
}

TEST(Replconf, RefusesWhatWouldForgeLines) {
  ReplicaTraits traits;
  EXPECT_FALSE(take_replconf(traits, "ip-address", "1.2.3.4\r\nrole:master"));
  EXPECT_FALSE(take_replconf(traits, "listening-port", "70000"));
  EXPECT_FALSE(take_replconf(traits, "what", "1"));
}

}  // namespace
}  // namespace ashlar::replication
