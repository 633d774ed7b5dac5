#include "base/ip_text.h"

#include <arpa/inet.h>

#include <array>

namespace ashlar {

std::optional<std::string> canonical_ip(const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> raw{};
  std::array<char, INET6_ADDRSTRLEN> out{};
  if (text.find('\0') != std::string::npos) return std::nullopt;  // inet_pton would stop there
  for (const int family : {AF_INET, AF_INET6}) {
    if (inet_pton(family, text.c_str(), raw.data()) != 1) continue;
    if (inet_ntop(family, raw.data(), out.data(), out.size()) == nullptr) return std::nullopt;
    return std::string(out.data());
  }
  return std::nullopt;
}

}  // namespace ashlar
