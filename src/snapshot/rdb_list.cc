#include <vector>

#include "keyspace/values/list.h"
#include "snapshot/rdb_format.h"
#include "snapshot/rdb_values.h"
#include "snapshot/ziplist.h"

namespace ashlar::snapshot::rdb {

using ds::Listpack;
using keyspace::EncodingLimits;
using keyspace::List;
using keyspace::ListEnd;
using keyspace::Owned;

namespace {

/// Type codes of lists, and what a node of the newest is. Frozen. Source: docs/formats/rdb.md.
enum ListType : std::uint8_t { kElements = 1, kZiplist = 10, kZiplistNodes = 14, kNodes = 18 };
enum NodeKind : std::uint8_t { kPlainNode = 1, kPackedNode = 2 };

Result<void> read_ziplist(RdbInput& input, List& list) {
  const std::uint64_t at = input.offset();
  std::string blob;
  ASH_TRY_VOID(input.string(blob));
  ASH_TRY(auto pack, intact(listpack_of_ziplist(blob), "List ziplist", at));
  list.append_pack(std::move(pack), input.limits().encoding);
  return {};
}

Result<void> read_node(RdbInput& input, List& list) {
  const std::uint64_t at = input.offset();
  ASH_TRY(const std::uint64_t kind, input.length());
  if (kind != kPlainNode && kind != kPackedNode) return RdbInput::corrupt("unknown kind of list node", at);
  std::string blob;
  ASH_TRY_VOID(input.string(blob));
  if (kind == kPlainNode) {
    if (blob.empty()) return RdbInput::corrupt("a list node without bytes", at);
    list.push(ListEnd::kRight, blob, input.limits().encoding);
    return {};
  }
  ASH_TRY(auto pack, intact(Listpack::validated(blob), "List listpack", at));
  list.append_pack(std::move(pack), input.limits().encoding);
  return {};
}

Result<void> read_element(RdbInput& input, List& list) {
  std::string text;
  ASH_TRY_VOID(input.string(text));
  list.push(ListEnd::kRight, text, input.limits().encoding);
  return {};
}

void append_node(Chunk& out, NodeKind kind, std::string_view bytes, Compression compression) {
  append_length(out.bytes, kind);
  append_element(out, bytes, compression);
}

/// Nodes one by one: of a list that is not small.
class ListPieces final : public EntryPieces {
 public:
  ListPieces(const List& list, Compression compression) noexcept : nodes_(list.nodes()), compression_(compression) {}
  Left next(Chunk& out, std::size_t end) override {
    if (!begun_) append_length(out.bytes, nodes_.node_count());
    begun_ = true;
    std::vector<std::uint8_t> scratch;
    for (; at_ < nodes_.node_count(); ++at_) {
      if (out.bytes.size() >= end) return Left::kMore;
      const std::string_view bytes = nodes_.node_bytes(at_, scratch);
      append_node(out, nodes_.node_is_plain(at_) ? kPlainNode : kPackedNode, bytes, compression_);
    }
    return Left::kNothing;
  }

 private:
  const ds::Quicklist& nodes_;
  Compression compression_;
  bool begun_ = false;
  std::size_t at_ = 0;
};

}  // namespace

std::uint8_t list_type(const List& /*value*/) noexcept { return kNodes; }

bool reads_list(std::uint8_t type) noexcept {
  return type == kElements || type == kZiplist || type == kZiplistNodes || type == kNodes;
}

void append_list(Chunk& out, const List& value, Compression compression) {
  if (value.small()) {
    append_length(out.bytes, 1);
    append_node(out, kPackedNode, value.pack().blob(), compression);
    return;
  }
  (void)ListPieces(value, compression).next(out, EntryPieces::kNoEnd);
}

std::unique_ptr<EntryPieces> list_pieces(const List& value, Compression compression) {
  return std::make_unique<ListPieces>(value, compression);
}

Result<Owned<List>> read_list(RdbInput& input, std::uint8_t type) {
  Owned<List> list(new List());
  std::uint64_t count = 1;
  if (type != kZiplist) {
    ASH_TRY(count, input.length());
  }
  for (; count > 0; --count) {
    switch (type) {
      case kElements: ASH_TRY_VOID(read_element(input, *list)); break;
      case kZiplist:
      case kZiplistNodes: ASH_TRY_VOID(read_ziplist(input, *list)); break;
      default: ASH_TRY_VOID(read_node(input, *list)); break;
    }
  }
  list->loaded(input.limits().encoding);
  return list;
}

}  // namespace ashlar::snapshot::rdb
