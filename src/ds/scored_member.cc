#include "ds/scored_member.h"

#include <cstdlib>
#include <new>

namespace ashlar::ds {

ScoredMember* ScoredMember::make(std::string_view member, double score) {
  void* memory = std::malloc(bytes_for(member.size()));
  if (memory == nullptr) throw std::bad_alloc();
  auto* bytes = static_cast<char*>(memory);
  std::memcpy(bytes, &score, sizeof score);
  char* to = bytes + kHeader;
  const std::uint64_t n = member.size();
  bytes[kHeader - 1] = static_cast<char>(n < kLong ? n : kLong);
  if (n >= kLong) {
    std::memcpy(to, &n, sizeof n);
    to += sizeof n;
  }
  if (n > 0) std::memcpy(to, member.data(), n);
  return static_cast<ScoredMember*>(memory);
}

void ScoredMember::destroy(ScoredMember* record) noexcept { std::free(record); }

}  // namespace ashlar::ds
