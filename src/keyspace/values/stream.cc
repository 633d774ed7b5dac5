#include "keyspace/values/stream.h"

namespace ashlar::keyspace {

Stream::~Stream() = default;

std::uint64_t Stream::size() const noexcept { return 0; }

Owned<Stream> Stream::clone() const { return Owned<Stream>(new Stream()); }

std::size_t Stream::memory_bytes() const noexcept { return sizeof(*this); }

std::string_view Stream::encoding_name() const noexcept { return "stream"; }

}  // namespace ashlar::keyspace
