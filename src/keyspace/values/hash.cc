#include "keyspace/values/hash.h"

namespace ashlar::keyspace {

Hash::~Hash() = default;

std::uint64_t Hash::size() const noexcept { return 0; }

Owned<Hash> Hash::clone() const { return Owned<Hash>(new Hash()); }

std::size_t Hash::memory_bytes() const noexcept { return sizeof(*this); }

std::string_view Hash::encoding_name() const noexcept { return "listpack"; }

}  // namespace ashlar::keyspace
