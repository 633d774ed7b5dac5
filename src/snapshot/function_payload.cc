#include "snapshot/function_payload.h"

#include "snapshot/dump_payload.h"
#include "snapshot/rdb_format.h"

namespace ashlar::snapshot {

std::string dump_functions(const std::vector<std::string_view>& codes) {
  std::string out;
  for (const std::string_view code : codes) {
    out.push_back(static_cast<char>(rdb::kOpFunction2));
    rdb::append_string(out, code, Compression::kLzf);
  }
  seal_payload(out, rdb::kFunctionsVersion);
  return out;
}

Result<std::vector<std::string>> restore_functions(std::string_view payload) {
  ASH_TRY(const std::string_view body, unseal_payload(payload));
  StringSource source(body);
  RdbInput input(source, {});
  std::vector<std::string> codes;
  for (;;) {
    ASH_TRY(const bool ended, input.at_end());
    if (ended) return codes;
    ASH_TRY(const std::uint8_t opcode, input.byte());
    if (opcode != rdb::kOpFunction2) return fail("given type is not a function");
    if (!input.string(codes.emplace_back())) return fail("Failed loading library data");
  }
}

}  // namespace ashlar::snapshot
