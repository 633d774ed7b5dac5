#include "cluster/bus/frame_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "cluster/bus/codec.h"
#include "cluster/bus/wire.h"

namespace ashlar::cluster::bus {
namespace {

using testing::HasSubstr;

std::string frame_of(Body body) {
  Message message;
  message.body = std::move(body);
  return encode(message);
}

/// The next frame; "" when more bytes are needed.
std::string next_of(FrameReader& reader) {
  const auto frame = reader.next();
  EXPECT_TRUE(frame.has_value());
  return frame && *frame ? std::string(**frame) : std::string();
}

/// The first 16 bytes of a frame.
std::string prefix(std::uint32_t length, FrameType type, std::uint16_t count) {
  std::string bytes("RCmb\0\0\0\0\0\1\0\0\0\0\0\0", 16);
  store_be(bytes.data() + 4, length);
  store_be(bytes.data() + 12, static_cast<std::uint16_t>(type));
  store_be(bytes.data() + 14, count);
  return bytes;
}

std::string error_of(FrameReader& reader) {
  const auto frame = reader.next();
  return frame ? "no error" : frame.error().detail;
}

std::string error_after(const std::string& bytes, FrameLimits limits = {}) {
  FrameReader reader(limits);
  reader.append(bytes);
  return error_of(reader);
}

TEST(FrameReader, ReturnsFramesInOrder) {
  const std::string first = frame_of(AuthAck{});
  const std::string second = frame_of(Publish{ChannelKind::kGlobal, "a", "b"});
  FrameReader reader;
  reader.append(first + second);
  EXPECT_EQ(next_of(reader), first);
  EXPECT_EQ(next_of(reader), second);
  EXPECT_EQ(next_of(reader), "");
}

TEST(FrameReader, WaitsForTheLastByte) {
  const std::string frame = frame_of(FailNotice{});
  FrameReader reader;
  for (const char c : frame.substr(0, frame.size() - 1)) {
    reader.append({&c, 1});
    ASSERT_EQ(next_of(reader), "");
  }
  EXPECT_EQ(reader.buffered(), frame.size() - 1);
  reader.append(frame.substr(frame.size() - 1));
  EXPECT_EQ(next_of(reader), frame);
}

TEST(FrameReader, RefusesAForeignProtocolAtTheFirstByteThatDiffers) {
  EXPECT_THAT(error_after("GET / HTTP/1.1\r\n"), HasSubstr("no RCmb signature at offset 0"));
  EXPECT_THAT(error_after("RCx"), HasSubstr("no RCmb signature"));
  EXPECT_EQ(error_after("RCm"), "no error");
}

TEST(FrameReader, NamesTheOffsetInTheStream) {
  FrameReader reader;
  reader.append(frame_of(AuthAck{}));
  ASSERT_TRUE(reader.next().has_value());
  reader.append("nonsense");
  EXPECT_THAT(error_of(reader), HasSubstr("no RCmb signature at offset 2256"));
}

TEST(FrameReader, RefusesFramesShorterThanAHeader) {
  EXPECT_THAT(error_after(prefix(2255, FrameType::kPing, 0)),
              HasSubstr("length 2255 of a ping frame is outside 2256..1050832 at offset 4"));
  EXPECT_EQ(error_after(prefix(2256, FrameType::kPing, 0)), "no error");
}

TEST(FrameReader, BoundsEachTypeByItsShape) {
  const std::pair<FrameType, std::uint32_t> fixed[] = {{FrameType::kFail, 2296},
                                                       {FrameType::kAuthRequest, 2256},
                                                       {FrameType::kAuthAck, 2256},
                                                       {FrameType::kManualFailoverStart, 2256},
                                                       {FrameType::kUpdate, 4352}};
  for (const auto& [type, longest] : fixed) {
    EXPECT_EQ(error_after(prefix(longest, type, 0)), "no error") << frame_type_name(type);
    EXPECT_THAT(error_after(prefix(longest + 1, type, 0)), HasSubstr("is outside")) << frame_type_name(type);
  }
}

TEST(FrameReader, BoundsHeartbeatsByTheirGossipCount) {
  const FrameLimits limits{.extension_bytes_max = 64};
  EXPECT_EQ(error_after(prefix(2256 + 2 * 104 + 64, FrameType::kPong, 2), limits), "no error");
  EXPECT_THAT(error_after(prefix(2256 + 2 * 104 + 65, FrameType::kPong, 2), limits), HasSubstr("is outside"));
}

TEST(FrameReader, BoundsFramesWithoutShapeByTheLimit) {
  const FrameLimits limits{.open_frame_bytes_max = 10'000};
  for (const FrameType type : {FrameType::kPublish, FrameType::kPublishShard, FrameType::kModule, FrameType{999}}) {
    EXPECT_EQ(error_after(prefix(10'000, type, 0), limits), "no error");
    EXPECT_THAT(error_after(prefix(10'001, type, 0), limits), HasSubstr("is outside 2256..10000"));
  }
  EXPECT_THAT(error_after(prefix(0xffffffff, FrameType::kPublish, 0)), HasSubstr("is outside 2256..67108864"));
}

TEST(FrameReader, StaysBrokenAfterAnError) {
  FrameReader reader;
  reader.append("x");
  const std::string error = error_of(reader);
  reader.append(frame_of(AuthAck{}));
  EXPECT_EQ(error_of(reader), error);
  EXPECT_EQ(reader.buffered(), 0U);
}

TEST(FrameReader, KeepsMemoryForBytesReceivedOnly) {
  FrameReader reader;
  reader.append(prefix(60'000'000, FrameType::kPublish, 0));
  ASSERT_TRUE(reader.next().has_value());
  EXPECT_LT(reader.capacity(), 4096U);
}

TEST(FrameReader, GivesTheBufferOfABigFrameBack) {
  const std::string big = frame_of(Publish{ChannelKind::kGlobal, "c", std::string(4'000'000, 'm')});
  FrameReader reader;
  reader.append(big);
  ASSERT_EQ(next_of(reader), big);
  reader.append("RC");
  EXPECT_LT(reader.capacity(), 4096U);
}

}  // namespace
}  // namespace ashlar::cluster::bus
