#include "resp/request_writer.h"

#include <gtest/gtest.h>

#include <vector>

namespace ashlar::resp {
namespace {

TEST(RequestWriter, WritesAnArrayOfBulkStrings) {
  std::string out;
  write_request({"SET", "k", ""}, out);
  EXPECT_EQ(out, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n");
}

TEST(RequestWriter, AppendsAndKeepsArbitraryBytes) {
  std::string out = "x";
  const std::vector<std::string> args{std::string("a\0\r\n", 4)};
  write_request(args, out);
  EXPECT_EQ(out, std::string("x*1\r\n$4\r\na\0\r\n\r\n", 15));
}

}  // namespace
}  // namespace ashlar::resp
