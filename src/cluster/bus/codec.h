/// Bus messages as typed values to frames of bytes and back. Pure functions. Thread: any.
/// Source: docs/formats/bus.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.h"
#include "cluster/core/message.h"

namespace ashlar::cluster::bus {

/// A well-formed frame of a protocol version or a message type that we do not speak: to be dropped, the link lives on.
struct Ignored {
  std::uint16_t version = 0;
  std::uint16_t type = 0;
  bool operator==(const Ignored&) const = default;
};

using Decoded = std::variant<Message, Ignored>;

/// The message in one whole frame (as FrameReader cuts them): total length and every count inside must fit `frame`
/// exactly. Extensions of unknown type are left out, and so are names in extensions that no configuration file could
/// hold (blanks, control bytes, quotes); a module message keeps its header only. Errors: kCorrupt, naming what is wrong
/// and the offset. The frame is then to be dropped; the stream behind it is intact, so the link need not be closed
/// (Redis does not either). Cost: memory in proportion to the frame.
[[nodiscard]] Result<Decoded> decode(std::string_view frame);

/// The frame that carries `message`; never empty. Unused and padding bytes are zero, as peers send them.
/// Requires (checked): addresses of at most kMaxIpBytes and names of at most kMaxHostBytes bytes without NUL, at most
/// 65535 gossip entries and extensions, a frame below 4 GiB. decode(encode(m)) is m when names and addresses consist of
/// characters that decode() takes, except that ReplicaOf{zero id} reads back as Primary (header.flags still tell) and
/// that header.extensions is set when the heartbeat has extensions.
[[nodiscard]] std::string encode(const Message& message);

}  // namespace ashlar::cluster::bus
