#include "base/digest.h"

#include <openssl/sha.h>

namespace ashlar {

std::string hex_text(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

Sha1 sha1(std::string_view bytes) noexcept {
  Sha1 out;
  ::SHA1(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), out.data());
  return out;
}

std::string sha1_hex(std::string_view bytes) {
  const Sha1 digest = sha1(bytes);
  return hex_text({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  ::SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  return hex_text({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

}  // namespace ashlar
