#include "keyspace/values/stream_id.h"

#include <charconv>

namespace ashlar::keyspace {

std::string_view format_id(StreamId id, StreamIdBuffer& buffer) noexcept {
  char* const end = buffer.data() + buffer.size();
  char* at = std::to_chars(buffer.data(), end, id.ms).ptr;
  *at++ = '-';
  at = std::to_chars(at, end, id.seq).ptr;
  return {buffer.data(), static_cast<std::size_t>(at - buffer.data())};
}

std::string id_text(StreamId id) {
  StreamIdBuffer buffer;
  return std::string(format_id(id, buffer));
}

}  // namespace ashlar::keyspace
