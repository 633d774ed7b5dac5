/// Cryptographic digests. Pure. Thread: any. Source: FIPS 180-4; the work is OpenSSL's.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace ashlar {

using Sha1 = std::array<std::uint8_t, 20>;
[[nodiscard]] Sha1 sha1(std::string_view bytes) noexcept;
/// 40 lower-case hex digits.
[[nodiscard]] std::string sha1_hex(std::string_view bytes);
/// 64 lower-case hex digits.
[[nodiscard]] std::string sha256_hex(std::string_view bytes);
/// Two lower-case hex digits for each byte.
[[nodiscard]] std::string hex_text(std::string_view bytes);

}  // namespace ashlar
