#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "script/lua_libraries.h"

// Source: the MessagePack specification. Nesting beyond kMaxDepth is packed as nil, as the library that Redis uses
// does.
namespace ashlar::script {
namespace {

constexpr int kMaxDepth = 16;
constexpr std::size_t kOutputBytesMax = 512 << 20;

class Packer {
 public:
  explicit Packer(lua_State* lua) : lua_(lua) {}

  [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }
  /// Packs the value at `index` (absolute).
  void pack(int index, int depth) {
    luaL_checkstack(lua_, 8, "in function mp_encode_lua_type");
    // A table may stand in many places of another one, so little memory can make a text without end.
    if (bytes_.size() > kOutputBytesMax) luaL_error(lua_, "The packed values are too long.");
    switch (lua_type(lua_, index)) {
      case LUA_TSTRING: return string(index);
      case LUA_TBOOLEAN: return byte(lua_toboolean(lua_, index) != 0 ? 0xC3 : 0xC2);
      case LUA_TNUMBER: return number(lua_tonumber(lua_, index));
      case LUA_TTABLE: return depth < kMaxDepth ? table(index, depth) : byte(0xC0);
      default: return byte(0xC0);
    }
  }

 private:
  void byte(std::uint8_t b) { bytes_ += static_cast<char>(b); }
  template <std::unsigned_integral T>
  void tagged(std::uint8_t tag, T value) {
    byte(tag);
    char raw[sizeof(T)];
    store_be(raw, value);
    bytes_.append(raw, sizeof raw);
  }
  /// A header with a count: the short form below `fix_limit`, else 8 (when there is one), 16 or 32 bits.
  struct Header {
    std::uint8_t fix;
    std::size_t fix_limit;
    std::uint8_t tag8;  // 0: none
    std::uint8_t tag16;
    std::uint8_t tag32;
  };
  void header(const Header& h, std::size_t n) {
    if (n < h.fix_limit) return byte(static_cast<std::uint8_t>(h.fix | n));
    if (h.tag8 != 0 && n <= UINT8_MAX) return tagged(h.tag8, static_cast<std::uint8_t>(n));
    if (n <= UINT16_MAX) return tagged(h.tag16, static_cast<std::uint16_t>(n));
    tagged(h.tag32, static_cast<std::uint32_t>(n));
  }
  void string(int index) {
    std::size_t n = 0;
    const char* text = lua_tolstring(lua_, index, &n);
    header({0xA0, 32, 0xD9, 0xDA, 0xDB}, n);
    bytes_.append(text, n);
  }
  void number(lua_Number n) {
    const bool whole = n >= -9223372036854775808.0 && n < 9223372036854775808.0 && std::trunc(n) == n;
    if (!whole) return real(n);
    const auto value = static_cast<std::int64_t>(n);
    if (value >= 0) {
      if (value <= 127) return byte(static_cast<std::uint8_t>(value));
      if (value <= UINT8_MAX) return tagged(0xCC, static_cast<std::uint8_t>(value));
      if (value <= UINT16_MAX) return tagged(0xCD, static_cast<std::uint16_t>(value));
      if (value <= UINT32_MAX) return tagged(0xCE, static_cast<std::uint32_t>(value));
      return tagged(0xCF, static_cast<std::uint64_t>(value));
    }
    if (value >= -32) return byte(static_cast<std::uint8_t>(value));
    if (value >= INT8_MIN) return tagged(0xD0, static_cast<std::uint8_t>(value));
    if (value >= INT16_MIN) return tagged(0xD1, static_cast<std::uint16_t>(value));
    if (value >= INT32_MIN) return tagged(0xD2, static_cast<std::uint32_t>(value));
    tagged(0xD3, static_cast<std::uint64_t>(value));
  }
  void real(lua_Number n) {
    const auto narrow = static_cast<float>(n);
    if (static_cast<lua_Number>(narrow) == n) return tagged(0xCA, std::bit_cast<std::uint32_t>(narrow));
    tagged(0xCB, std::bit_cast<std::uint64_t>(n));
  }
  /// The number of elements when the keys are 1..n, else nothing.
  [[nodiscard]] bool is_array(int index, std::size_t& count) {
    std::size_t keys = 0;
    lua_Number highest = 0;
    lua_pushnil(lua_);
    while (lua_next(lua_, index) != 0) {
      lua_pop(lua_, 1);
      const lua_Number key = lua_type(lua_, -1) == LUA_TNUMBER ? lua_tonumber(lua_, -1) : 0;
      if (!(key > 0) || std::trunc(key) != key) {
        lua_pop(lua_, 1);
        return false;
      }
      highest = std::max(highest, key);
      ++keys;
    }
    count = keys;
    return highest == static_cast<lua_Number>(keys);
  }
  void table(int index, int depth) {
    std::size_t n = 0;
    if (is_array(index, n)) {
      header({0x90, 16, 0, 0xDC, 0xDD}, n);
      for (std::size_t i = 1; i <= n; ++i) {
        lua_rawgeti(lua_, index, static_cast<int>(i));
        pack(lua_gettop(lua_), depth + 1);
        lua_pop(lua_, 1);
      }
      return;
    }
    n = 0;
    for (lua_pushnil(lua_); lua_next(lua_, index) != 0; lua_pop(lua_, 1)) ++n;
    header({0x80, 16, 0, 0xDE, 0xDF}, n);
    lua_pushnil(lua_);
    while (lua_next(lua_, index) != 0) {
      const int value = lua_gettop(lua_);
      pack(value - 1, depth + 1);
      pack(value, depth + 1);
      lua_pop(lua_, 1);
    }
  }

  lua_State* lua_;
  std::string bytes_;
};

int mp_pack(lua_State* lua) {
  const int arguments = lua_gettop(lua);
  if (arguments == 0) return luaL_argerror(lua, 0, "MessagePack pack needs input.");
  luaL_checkstack(lua, arguments + 8, "Too many arguments for MessagePack pack.");
  Packer packer(lua);
  for (int i = 1; i <= arguments; ++i) packer.pack(i, 0);
  const std::string_view bytes = packer.bytes();
  lua_pushlstring(lua, bytes.data(), bytes.size());
  return 1;
}

/// What keeps a message from being read.
enum class Broken : std::uint8_t { kNo, kTruncated, kBadFormat, kTooDeep };

class Unpacker {
 public:
  Unpacker(lua_State* lua, std::string_view bytes) : lua_(lua), rest_(bytes) {}
  [[nodiscard]] std::string_view rest() const noexcept { return rest_; }

  /// Pushes one value; something is pushed even when the message is broken.
  [[nodiscard]] Broken unpack(int depth) {
    if (depth > kMaxNesting || lua_checkstack(lua_, 6) == 0) return nothing(Broken::kTooDeep);
    if (rest_.empty()) return nothing(Broken::kTruncated);
    const auto tag = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    if (tag <= 0x7F) return real(tag);
    if (tag >= 0xE0) return real(static_cast<std::int8_t>(tag));
    if (tag <= 0x8F) return map(tag & 0x0FU, depth);
    if (tag <= 0x9F) return array(tag & 0x0FU, depth);
    if (tag <= 0xBF) return text(tag & 0x1FU);
    switch (tag) {
      case 0xC0: lua_pushnil(lua_); return Broken::kNo;
      case 0xC2:
      case 0xC3: lua_pushboolean(lua_, tag & 1); return Broken::kNo;
      case 0xC4:
      case 0xD9: return sized<std::uint8_t>([&](std::uint64_t n) { return text(n); });
      case 0xC5:
      case 0xDA: return sized<std::uint16_t>([&](std::uint64_t n) { return text(n); });
      case 0xC6:
      case 0xDB: return sized<std::uint32_t>([&](std::uint64_t n) { return text(n); });
      case 0xCA: return sized<std::uint32_t>([&](std::uint32_t n) { return real(std::bit_cast<float>(n)); });
      case 0xCB: return sized<std::uint64_t>([&](std::uint64_t n) { return real(std::bit_cast<double>(n)); });
      case 0xCC: return sized<std::uint8_t>([&](std::uint8_t n) { return real(n); });
      case 0xCD: return sized<std::uint16_t>([&](std::uint16_t n) { return real(n); });
      case 0xCE: return sized<std::uint32_t>([&](std::uint32_t n) { return real(n); });
      case 0xD0: return sized<std::uint8_t>([&](std::uint8_t n) { return real(static_cast<std::int8_t>(n)); });
      case 0xD1: return sized<std::uint16_t>([&](std::uint16_t n) { return real(static_cast<std::int16_t>(n)); });
      case 0xD2: return sized<std::uint32_t>([&](std::uint32_t n) { return real(static_cast<std::int32_t>(n)); });
      case 0xCF:  // beyond 2^63 negative, as in Redis
      case 0xD3:
        return sized<std::uint64_t>(
            [&](std::uint64_t n) { return real(static_cast<lua_Number>(static_cast<std::int64_t>(n))); });
      case 0xDC: return sized<std::uint16_t>([&](std::uint64_t n) { return array(n, depth); });
      case 0xDD: return sized<std::uint32_t>([&](std::uint64_t n) { return array(n, depth); });
      case 0xDE: return sized<std::uint16_t>([&](std::uint64_t n) { return map(n, depth); });
      case 0xDF: return sized<std::uint32_t>([&](std::uint64_t n) { return map(n, depth); });
      default: return nothing(Broken::kBadFormat);
    }
  }

 private:
  static constexpr int kMaxNesting = 512;

  [[nodiscard]] Broken nothing(Broken why) {
    lua_pushnil(lua_);
    return why;
  }
  [[nodiscard]] Broken real(lua_Number n) {
    lua_pushnumber(lua_, n);
    return Broken::kNo;
  }
  template <std::unsigned_integral T, typename Use>
  [[nodiscard]] Broken sized(Use&& use) {
    if (rest_.size() < sizeof(T)) return nothing(Broken::kTruncated);
    const T n = load_be<T>(rest_.data());
    rest_.remove_prefix(sizeof(T));
    return use(n);
  }
  [[nodiscard]] Broken text(std::uint64_t n) {
    if (n > rest_.size()) return nothing(Broken::kTruncated);
    lua_pushlstring(lua_, rest_.data(), n);
    rest_.remove_prefix(n);
    return Broken::kNo;
  }
  [[nodiscard]] Broken array(std::uint64_t n, int depth) {
    lua_createtable(lua_, 0, 0);  // grows with what is really there
    for (std::uint64_t i = 1; i <= n; ++i) {
      if (const Broken why = unpack(depth + 1); why != Broken::kNo) {
        lua_pop(lua_, 1);
        return why;
      }
      lua_rawseti(lua_, -2, static_cast<int>(i));
    }
    return Broken::kNo;
  }
  [[nodiscard]] Broken map(std::uint64_t n, int depth) {
    lua_createtable(lua_, 0, 0);
    for (std::uint64_t i = 0; i < n; ++i) {
      Broken why = unpack(depth + 1);
      if (why == Broken::kNo) {
        why = unpack(depth + 1);
        if (why != Broken::kNo) lua_pop(lua_, 1);
      }
      if (why != Broken::kNo) {
        lua_pop(lua_, 1);
        return why;
      }
      const bool usable =
          !lua_isnil(lua_, -2) && !(lua_type(lua_, -2) == LUA_TNUMBER && std::isnan(lua_tonumber(lua_, -2)));
      if (!usable) {
        lua_pop(lua_, 2);
        return Broken::kBadFormat;
      }
      lua_rawset(lua_, -3);
    }
    return Broken::kNo;
  }

  lua_State* lua_;
  std::string_view rest_;
};

/// Unpacks at most `limit` values from `offset` on and pushes the place of the next one first; all when both are 0.
int unpack_some(lua_State* lua, lua_Number limit, lua_Number offset) {
  std::size_t length = 0;
  const char* data = luaL_checklstring(lua, 1, &length);
  if (!(offset >= 0) || !(limit >= 0)) {
    return luaL_error(lua, "Invalid request to unpack with offset of %f and limit of %f.", offset,
                      static_cast<lua_Number>(length));
  }
  if (offset > static_cast<lua_Number>(length)) {
    return luaL_error(lua, "Start offset %f greater than input length %f.", offset, static_cast<lua_Number>(length));
  }
  const bool limited = limit > 0 || offset > 0;
  const std::string_view all(data, length);
  Unpacker unpacker(lua, all.substr(static_cast<std::size_t>(offset)));
  if (limited) lua_pushnil(lua);  // place of the position
  const int first = lua_gettop(lua);
  int count = 0;
  while (!unpacker.rest().empty() && (!limited || count < limit)) {
    if (lua_checkstack(lua, 6) == 0) return luaL_error(lua, "too many values to unpack");
    switch (unpacker.unpack(0)) {
      case Broken::kNo: break;
      case Broken::kTruncated: return luaL_error(lua, "Missing bytes in input.");
      case Broken::kBadFormat: return luaL_error(lua, "Bad data format in input.");
      case Broken::kTooDeep: return luaL_error(lua, "Too many nested values in input.");
    }
    ++count;
  }
  if (!limited) return count;
  const std::size_t left = unpacker.rest().size();
  lua_pushnumber(lua, left == 0 ? -1 : static_cast<lua_Number>(length - left));
  lua_replace(lua, first);
  return count + 1;
}

int mp_unpack(lua_State* lua) { return unpack_some(lua, 0, 0); }
int mp_unpack_one(lua_State* lua) { return unpack_some(lua, 1, luaL_optnumber(lua, 2, 0)); }
int mp_unpack_limit(lua_State* lua) { return unpack_some(lua, luaL_checknumber(lua, 2), luaL_optnumber(lua, 3, 0)); }

}  // namespace

void push_msgpack_library(lua_State* lua) {
  lua_createtable(lua, 0, 4);
  lua_pushcfunction(lua, &mp_pack);
  lua_setfield(lua, -2, "pack");
  lua_pushcfunction(lua, &mp_unpack);
  lua_setfield(lua, -2, "unpack");
  lua_pushcfunction(lua, &mp_unpack_one);
  lua_setfield(lua, -2, "unpack_one");
  lua_pushcfunction(lua, &mp_unpack_limit);
  lua_setfield(lua, -2, "unpack_limit");
}

}  // namespace ashlar::script
