#include "ds/seeded_hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace ashlar::ds {

std::uint64_t seeded_hash(std::string_view bytes) noexcept {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), HashSeed::get());
}

}  // namespace ashlar::ds
