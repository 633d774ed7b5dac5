#include "aof/stream_note.h"

#include <gtest/gtest.h>

namespace ashlar::aof {
namespace {

constexpr std::string_view kLine = "#REPL:0123456789abcdef0123456789abcdef01234567:4711:3";

TEST(StreamNote, IsAnAnnotationLine) {
  const auto history = NodeId::from_hex("0123456789abcdef0123456789abcdef01234567");
  EXPECT_EQ(render_stream_note({DbIndex{3}, *history, ReplOffset{4711}}), std::string(kLine) + "\r\n");
}

TEST(StreamNote, IsReadBack) {
  const auto note = parse_stream_note(kLine);
  ASSERT_TRUE(note);
  EXPECT_EQ(note->history.hex(), "0123456789abcdef0123456789abcdef01234567");
  EXPECT_EQ(note->offset.value, 4711);
  EXPECT_EQ(note->stream_db.value, 3U);
}

TEST(StreamNote, IsNotTakenFromOtherLines) {
  for (const std::string_view line :
       {"#TS:1700000000", "#REPL:", "#REPL:abc:1:0", "#REPL:0123456789abcdef0123456789abcdef01234567:1",
        "#REPL:0123456789abcdef0123456789abcdef01234567:-1:0", "#REPL:0123456789abcdef0123456789abcdef01234567:1:-1",
        "#REPL:0123456789abcdef0123456789abcdef01234567:1:2:3",
        "#REPL:0123456789abcdef0123456789abcdef01234567:99999999999999999999:0"}) {
    EXPECT_FALSE(parse_stream_note(line)) << line;
  }
}

}  // namespace
}  // namespace ashlar::aof
