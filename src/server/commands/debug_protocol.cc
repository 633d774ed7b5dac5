#include "server/commands/debug_protocol.h"

#include "base/bytes.h"

namespace ashlar::server {

void reply_protocol_example(command::Context& ctx, std::string_view type) {
  resp::Encoder& out = ctx.reply;
  const auto is = [&](std::string_view name) { return iequals(type, name); };
  const auto three = [&] {
    for (int i = 0; i < 3; ++i) out.integer(i);
  };
  if (is("string")) return out.bulk("Hello World");
  if (is("integer")) return out.integer(12345);
  if (is("double")) return out.number(3.141);
  if (is("bignum")) return out.big_number("1234567999999999999999999999999999999");
  if (is("null")) return out.null();
  if (is("true")) return out.boolean(true);
  if (is("false")) return out.boolean(false);
  if (is("verbatim")) return out.verbatim("txt", "This is a verbatim\nstring");
  if (is("array")) {
    out.array(3);
    return three();
  }
  if (is("set")) {
    out.set(3);
    return three();
  }
  if (is("map")) {
    out.map(3);
    for (int i = 0; i < 3; ++i) {
      out.integer(i);
      out.boolean(i == 1);
    }
    return;
  }
  if (is("attrib")) {
    if (out.version() == resp::Version::kResp3) {
      out.attribute(1);
      out.bulk("key-popularity");
      out.array(2);
      out.bulk("key:123");
      out.integer(90);
    }
    return out.bulk("Some real reply following the attribute");
  }
  if (is("push")) {
    if (out.version() != resp::Version::kResp3) return ctx.error("RESP2 is not supported by this command");
    out.push(2);
    out.bulk("server-cpu-usage");
    out.integer(42);
    return out.bulk("Some real reply following the push reply");
  }
  ctx.error(
      "Wrong protocol type name. Please use one of the following: "
      "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false");
}

}  // namespace ashlar::server
