#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "aof/rewrite_values.h"
#include "keyspace/values/stream.h"

namespace ashlar::aof {
namespace {

using keyspace::Stream;
using keyspace::StreamGroup;

/// The commands as lines of words.
std::vector<std::string> rewritten(const Stream& stream) {
  snapshot::Chunk chunk;
  EXPECT_EQ(stream_commands("s", stream)->next(chunk, snapshot::EntryPieces::kNoEnd),
            snapshot::EntryPieces::Left::kNothing);
  const std::string& bytes = chunk.bytes;
  std::vector<std::string> lines;
  std::size_t at = 0;
  const auto line = [&] {
    const std::size_t end = bytes.find("\r\n", at);
    std::string text = bytes.substr(at, end - at);
    at = end + 2;
    return text;
  };
  while (at < bytes.size()) {
    const int words = std::stoi(line().substr(1));
    std::string command;
    for (int i = 0; i < words; ++i) {
      (void)line();
      command += (i == 0 ? "" : " ") + line();
    }
    lines.push_back(command);
  }
  return lines;
}

TEST(RewriteStream, WritesEntriesTotalsAndGroups) {
  Stream stream;
  for (std::uint64_t i = 1; i <= 3; ++i) {
    ASSERT_TRUE(stream.append({i, 0}, std::vector<std::string_view>{"f", "v"}, {}));
  }
  stream.erase({2, 0});
  StreamGroup& group = *stream.create_group("g", {3, 0}, std::nullopt);
  group.consumer("idle", 1);
  auto& entry = group.assign({1, 0}, group.consumer("busy", 1).consumer);
  entry.delivered_ms = 7;
  entry.deliveries = 2;
  EXPECT_EQ(rewritten(stream), (std::vector<std::string>{
                                   "XADD s 1-0 f v",
                                   "XADD s 3-0 f v",
                                   "XSETID s 3-0 ENTRIESADDED 3 MAXDELETEDID 2-0",
                                   "XGROUP CREATE s g 3-0 ENTRIESREAD -1",
                                   "XGROUP CREATECONSUMER s g idle",
                                   "XCLAIM s g busy 0 1-0 TIME 7 RETRYCOUNT 2 JUSTID FORCE",
                               }));
}

TEST(RewriteStream, MakesAnEmptyStreamByAnEntryThatDoesNotStay) {
  Stream stream;
  stream.set_id({5, 5}, 9, std::nullopt);
  EXPECT_EQ(rewritten(stream), (std::vector<std::string>{
                                   "XADD s MAXLEN 0 0-1 x y",
                                   "XSETID s 5-5 ENTRIESADDED 9 MAXDELETEDID 0-0",
                               }));
}

}  // namespace
}  // namespace ashlar::aof
