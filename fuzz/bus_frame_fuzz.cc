// Cluster bus: any bytes through decode() and through FrameReader; what is decoded must survive encode() and decode().
// Libraries: ashlar_cluster_bus. Seeds: the frames of src/cluster/bus/testdata.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include "base/check.h"
#include "cluster/bus/codec.h"
#include "cluster/bus/frame_reader.h"

namespace {

using ashlar::cluster::Message;
namespace bus = ashlar::cluster::bus;

void check_round_trip(std::string_view frame) {
  const auto first = bus::decode(frame);
  if (!first || !std::holds_alternative<Message>(*first)) return;
  const auto second = bus::decode(bus::encode(std::get<Message>(*first)));
  ASH_CHECK(second.has_value());
  ASH_CHECK(*first == *second);
}

/// Small limits, so that short inputs reach them. Pieces are as long as the input's own bytes say.
void check_stream(std::string_view stream) {
  bus::FrameReader reader({.open_frame_bytes_max = 8192, .extension_bytes_max = 256});
  std::size_t at = 0;
  while (at < stream.size()) {
    const std::size_t size = 1 + 16 * static_cast<std::size_t>(static_cast<unsigned char>(stream[at]));
    const std::string_view piece = stream.substr(at, size);
    reader.append(piece);
    at += piece.size();
    for (;;) {
      const auto frame = reader.next();
      if (!frame) return;
      if (!*frame) break;
      check_round_trip(**frame);
    }
    ASH_CHECK(reader.buffered() <= at);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_round_trip(bytes);
  check_stream(bytes);
  return 0;
}
