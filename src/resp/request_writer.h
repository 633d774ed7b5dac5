/// Commands -> request bytes. Thread: any.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace ashlar::resp {

/// Appends `args` (command name first, any bytes, at least one) to `out` as a RESP array of bulk strings.
void write_request(std::span<const std::string_view> args, std::string& out);
void write_request(std::span<const std::string> args, std::string& out);
inline void write_request(std::initializer_list<std::string_view> args, std::string& out) {
  write_request(std::span<const std::string_view>(args.begin(), args.size()), out);
}

}  // namespace ashlar::resp
