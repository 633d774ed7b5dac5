/// The numbers of the RDB format. They are frozen: files of twelve years hold them. See docs/formats/rdb.md.
/// Source: the RDB file format as written and read by Redis 2.4 to 7.4.
#pragma once

#include <cstdint>
#include <string_view>

namespace ashlar::snapshot::rdb {

/// What we write is at least this: below 9, expiries stand in the writer's own byte order. Redis 5.0 and later load it.
inline constexpr std::uint16_t kWriteVersionMin = 9;
/// With function libraries, which Redis 7.0 brought.
inline constexpr std::uint16_t kFunctionsVersion = 10;
/// The lowest version that has values of type code `type`, 9 or more.
[[nodiscard]] std::uint16_t version_of_type(std::uint8_t type) noexcept;
/// What we read. 12 adds content only; what we do not know of it is refused where it stands. 80 is Valkey 9, whose
/// files begin with "VALKEY" and whose type codes from 22 on are its own.
inline constexpr std::uint16_t kMinVersion = 1;
inline constexpr std::uint16_t kMaxVersion = 12;
inline constexpr std::uint16_t kValkeyVersion = 80;
/// From this version on a file ends with a CRC64.
inline constexpr std::uint16_t kChecksumVersion = 5;

/// First byte of a record that is no value.
enum Opcode : std::uint8_t {
  kOpSlotInfo = 0xF4,
  kOpFunction2 = 0xF5,
  kOpFunctionPreGa = 0xF6,
  kOpModuleAux = 0xF7,
  kOpIdle = 0xF8,
  kOpFreq = 0xF9,
  kOpAux = 0xFA,
  kOpResizeDb = 0xFB,
  kOpExpireMs = 0xFC,
  kOpExpireSeconds = 0xFD,
  kOpSelectDb = 0xFE,
  kOpEof = 0xFF,
};

/// First byte of a record that is a value; the codes of collections stand in rdb_<type>.cc.
enum ValueType : std::uint8_t { kTypeString = 0, kTypeModulePreGa = 6, kTypeModule = 7 };

/// "list", "hash", ... for a type code of any Redis up to 7.4; "unknown" for other numbers.
[[nodiscard]] std::string_view value_type_name(std::uint8_t type) noexcept;
/// The name that redis-check-rdb gives the encoding: "string", "list-linked", "hash-listpack", ...; "unknown".
[[nodiscard]] std::string_view encoding_name(std::uint8_t type) noexcept;

/// Top two bits of a length byte.
inline constexpr std::uint8_t kLen6 = 0x00;
inline constexpr std::uint8_t kLen14 = 0x40;
inline constexpr std::uint8_t kLen32 = 0x80;
inline constexpr std::uint8_t kLen64 = 0x81;
inline constexpr std::uint8_t kSpecial = 0xC0;
/// Low six bits behind kSpecial.
enum SpecialString : std::uint8_t { kInt8 = 0, kInt16 = 1, kInt32 = 2, kLzf = 3 };

/// Strings longer than this are worth compressing. Source: Redis' rdbSaveRawString.
inline constexpr std::size_t kCompressAbove = 20;
/// No byte of LZF input makes more than this many bytes of output: a long back reference has 3 bytes and copies at most
/// 264.
inline constexpr std::uint64_t kLzfMaxRatio = 88;

}  // namespace ashlar::snapshot::rdb
