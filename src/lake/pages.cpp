#include "lake/pages.h"

namespace tapemill::lake {
namespace {

enum Type {
  kTrue = 1,
  kFalse = 2,
  kByte = 3,
  kI16 = 4,
  kI32 = 5,
  kI64 = 6,
  kDouble = 7,
  kText = 8,
  kList = 9,
  kSet = 10,
  kMap = 11,
  kStruct = 12
};

// Thrift's compact protocol, as far as Parquet's heads use it. Past the end, and where the bytes say nonsense, it is
// broken() and yields zeros: callers ask once, at the end.
class Compact {
 public:
  explicit Compact(Bytes bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()), start_(at_) {}
  bool broken() const { return broken_; }
  std::size_t position() const { return static_cast<std::size_t>(at_ - start_); }

  /// The next field of a struct; false at its end.
  bool field(int& id, int& type) {
    const int head = byte();
    if (broken_ || head == 0) return false;
    type = head & 15;
    const int step = head >> 4;
    id = step != 0 ? id + step : static_cast<int>(integer());
    return !broken_;
  }
  std::int64_t integer() {  // zigzag
    const std::uint64_t value = varint();
    return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
  }
  /// Of a field of an integer type; anything else is passed over and breaks it.
  std::int64_t number(int type) {
    if (type >= kI16 && type <= kI64) return integer();
    broken_ = true;
    return 0;
  }
  std::int64_t list(int& type) {
    const int head = byte();
    type = head & 15;
    const std::int64_t size = head >> 4 == 15 ? static_cast<std::int64_t>(varint() & INT32_MAX) : head >> 4;
    if (size > end_ - at_) broken_ = true;  // an element has a byte at least
    return broken_ ? 0 : size;
  }
  void skip(int type, int depth = 0) {
    if (depth > 16) broken_ = true;
    if (broken_) return;
    int inner = 0, id = 0;
    switch (type) {
      case kTrue:
      case kFalse: return;
      case kByte: byte(); return;
      case kI16:
      case kI32:
      case kI64: varint(); return;
      case kDouble: advance(8); return;
      case kText: advance(varint()); return;
      case kList:
      case kSet:
        for (std::int64_t left = list(inner); left > 0 && !broken_; --left)
          inner == kTrue || inner == kFalse ? static_cast<void>(byte()) : skip(inner, depth + 1);
        return;
      case kStruct:
        while (field(id, inner)) skip(inner, depth + 1);
        return;
      default: broken_ = true;  // Parquet has no maps
    }
  }

 private:
  int byte() {
    if (at_ == end_) broken_ = true;
    return broken_ ? 0 : *at_++;
  }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const int one = byte();
      value |= static_cast<std::uint64_t>(one & 127) << shift;
      if (one < 128) return value;
    }
    broken_ = true;
    return 0;
  }
  void advance(std::uint64_t count) {
    if (count > static_cast<std::uint64_t>(end_ - at_)) broken_ = true;
    else at_ += count;
  }
  const std::uint8_t *at_, *end_, *start_;
  bool broken_ = false;
};

void parse_data_v1(Compact& in, PageHeader& out) {
  for (int id = 0, type = 0; in.field(id, type);) {
    if (id == 1) out.values = in.number(type);
    else if (id == 2) out.encoding = static_cast<int>(in.number(type));
    else if (id == 3 && out.kind == PageHeader::Kind::data) out.level_encoding = static_cast<int>(in.number(type));
    else in.skip(type);
  }
}

void parse_data_v2(Compact& in, PageHeader& out) {
  for (int id = 0, type = 0; in.field(id, type);) {
    if (id == 1) out.values = in.number(type);
    else if (id == 4) out.encoding = static_cast<int>(in.number(type));
    else if (id == 5) out.definition_bytes = in.number(type);
    else if (id == 6) out.repetition_bytes = in.number(type);
    else if (id == 7) out.is_compressed = type == kTrue;
    else in.skip(type);
  }
}

}  // namespace

Result<PageHeader> parse_page_header(Bytes bytes) {
  Compact in(bytes);
  PageHeader out;
  for (int id = 0, type = 0; in.field(id, type);) {
    if (id == 2) {
      out.uncompressed = in.number(type);
    } else if (id == 3) {
      out.compressed = in.number(type);
    } else if (id == 5 && type == kStruct) {
      out.kind = PageHeader::Kind::data;
      parse_data_v1(in, out);
    } else if (id == 7 && type == kStruct) {
      out.kind = PageHeader::Kind::dictionary;
      parse_data_v1(in, out);  // its first two fields are the same, the third says whether it is sorted
    } else if (id == 8 && type == kStruct) {
      out.kind = PageHeader::Kind::data_v2;
      parse_data_v2(in, out);
    } else {
      in.skip(type);
    }
  }
  const bool possible = out.compressed >= 0 && out.uncompressed >= 0 && out.values >= 0 && out.values <= INT32_MAX &&
                        out.definition_bytes >= 0 && out.repetition_bytes >= 0 &&
                        out.definition_bytes + out.repetition_bytes <= out.uncompressed;
  if (in.broken() || !possible) return data_error("a page's head makes no sense");
  out.size = in.position();
  return out;
}

Result<std::vector<PageLocation>> parse_offset_index(Bytes bytes) {
  Compact in(bytes);
  std::vector<PageLocation> pages;
  for (int id = 0, type = 0; in.field(id, type);) {
    if (id != 1 || type != kList) {
      in.skip(type);
      continue;
    }
    int element = 0;
    for (std::int64_t left = in.list(element); left > 0 && !in.broken(); --left) {
      PageLocation page;
      for (int inner = 0, kind = 0; in.field(inner, kind);) {
        if (inner == 1) page.offset = in.number(kind);
        else if (inner == 2) page.size = in.number(kind);
        else if (inner == 3) page.first_row = in.number(kind);
        else in.skip(kind);
      }
      const bool first = pages.empty();
      const bool follows =
          first ? page.first_row == 0 && page.offset >= 0
                : page.first_row > pages.back().first_row && page.offset >= pages.back().offset + pages.back().size;
      if (!follows || page.size <= 0 || page.size > INT32_MAX || page.offset > INT64_MAX / 2)
        return data_error("a page index makes no sense");
      pages.push_back(page);
    }
  }
  if (in.broken()) return data_error("a page index makes no sense");
  return pages;
}

}  // namespace tapemill::lake
