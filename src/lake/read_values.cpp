#include "lake/read_values.h"

#include <parquet/types.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <algorithm>
#include <type_traits>

namespace tapemill::lake {
namespace {

template <class T>
T load(const std::uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <class T>
Status decode_indices(const ChunkReader& reader, Bytes bytes, std::int64_t skip, std::int64_t count, T* out) {
  const std::int64_t known = reader.dictionary_values();
  const Bytes dictionary = reader.dictionary();
  if (known < 0 || dictionary.size() / sizeof(T) < static_cast<std::uint64_t>(known))
    return data_error("a dictionary is missing or cut");
  if (bytes.empty()) return count == 0 ? Status::OK() : data_error("a page ends before its values do");
  HybridReader runs(bytes.subspan(1), bytes[0]);
  for (std::int64_t at = 0, end = skip + count; at < end;) {
    HybridReader::Run run;
    ARROW_RETURN_NOT_OK(runs.next(run));
    const std::int64_t from = std::max(at, skip), to = std::min(at + run.count, end);
    if (run.packed == nullptr) {
      if (run.value >= known) return data_error("an index is not in the dictionary");
      if (from < to)
        std::fill(out + (from - skip), out + (to - skip), load<T>(dictionary.data() + run.value * sizeof(T)));
    } else {
      std::uint32_t most = 0;
      for (std::int64_t i = from; i < to; ++i) {
        const std::uint32_t index = runs.unpack(run, i - at);
        most = std::max(most, index);
        out[i - skip] = load<T>(dictionary.data() + (index < known ? index : 0) * sizeof(T));
      }
      if (from < to && most >= known) return data_error("an index is not in the dictionary");
    }
    at += run.count;
  }
  return Status::OK();
}

// Values [skip, skip + count) of those that a page holds; where they lie then. `into`, where not null, may take them and
// has room for them alone.
template <class T>
Result<const std::uint8_t*> decode(const ChunkReader& reader, const ChunkReader::Page& page, std::int64_t skip,
                                   std::int64_t count, Scratch& scratch, T* into) {
  constexpr auto kWidth = static_cast<std::int64_t>(sizeof(T));
  if (skip + count > page.values) return data_error("a page has fewer values than rows");
  if (page.encoding == parquet::Encoding::PLAIN) {
    if (static_cast<std::int64_t>(page.bytes.size()) < (skip + count) * kWidth)
      return data_error("a page ends before its values do");
    return page.bytes.data() + skip * kWidth;
  }
  const bool delta = page.encoding == parquet::Encoding::DELTA_BINARY_PACKED;  // every value needs those before it
  if (into == nullptr || (delta && skip > 0)) {
    ARROW_ASSIGN_OR_RAISE(std::uint8_t* room, scratch.of(Scratch::values, (delta ? skip + count : count) * kWidth));
    into = reinterpret_cast<T*>(room);
  }
  switch (page.encoding) {
    case parquet::Encoding::DELTA_BINARY_PACKED:
      if constexpr (std::is_integral_v<T>) {
        ARROW_RETURN_NOT_OK(decode_delta(page.bytes, skip + count, into));
        return reinterpret_cast<const std::uint8_t*>(into + skip);
      } else {
        return data_error("differences of real numbers");
      }
    case parquet::Encoding::BYTE_STREAM_SPLIT:
      if (static_cast<std::int64_t>(page.bytes.size()) != page.values * kWidth)
        return data_error("a page is not as long as its values");
      ARROW_RETURN_NOT_OK(decode_split(page.bytes, skip, count, into));
      break;
    case parquet::Encoding::PLAIN_DICTIONARY:
    case parquet::Encoding::RLE_DICTIONARY:
      ARROW_RETURN_NOT_OK(decode_indices(reader, page.bytes, skip, count, into));
      break;
    default: return Status::NotImplemented("an encoding of another writer");
  }
  return reinterpret_cast<const std::uint8_t*>(into);
}

std::int64_t ones(const std::uint8_t* levels, std::int64_t count) {
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += levels[i];
  return sum;
}

// memcpy that leaves the caches alone: they need not read first what is overwritten. Ends with a fence (read_values).
void copy_past_cache(std::uint8_t* out, const std::uint8_t* from, std::size_t size) {
#ifdef __SSE2__
  const std::size_t head = std::min(size, (16 - (reinterpret_cast<std::uintptr_t>(out) & 15)) & 15);
  std::memcpy(out, from, head);
  out += head, from += head, size -= head;
  for (; size >= sizeof(__m128i); size -= sizeof(__m128i), out += sizeof(__m128i), from += sizeof(__m128i))
    _mm_stream_si128(reinterpret_cast<__m128i*>(out), _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
#endif
  std::memcpy(out, from, size);
}
void fence() {
#ifdef __SSE2__
  _mm_sfence();
#endif
}

// Copies `count` values, narrowed or widened where the table's type is not Parquet's.
template <class T, class Out>
void copy(const std::uint8_t* from, std::int64_t count, Out* out, bool past_cache) {
  if constexpr (std::is_same_v<T, Out>) {
    const std::size_t size = static_cast<std::size_t>(count) * sizeof(T);
    if (past_cache) copy_past_cache(reinterpret_cast<std::uint8_t*>(out), from, size);
    else std::memcpy(out, from, size);
  } else {
    for (std::int64_t i = 0; i < count; ++i)
      out[i] = static_cast<Out>(load<T>(from + i * static_cast<std::int64_t>(sizeof(T))));
  }
}

template <class T, class Out>
Status read_page(const ChunkReader& reader, const ChunkReader::Page& page, const std::vector<Segment>& segments,
                 Scratch& scratch, Out* out, std::uint8_t* present, bool past_cache) {
  std::size_t end = page.segment;
  while (end < segments.size() && static_cast<std::int64_t>(segments[end].first) < page.last) ++end;
  const std::int64_t first = std::max<std::int64_t>(segments[page.segment].first, page.first);
  const std::int64_t last = std::min<std::int64_t>(segments[end - 1].last, page.last);
  if (page.levels != nullptr && present == nullptr) return data_error("a column has nulls that its footer denies");
  const std::int64_t skip = page.levels == nullptr ? first - page.first : ones(page.levels, first - page.first);
  const std::int64_t count =
      page.levels == nullptr ? last - first : ones(page.levels + (first - page.first), last - first);
  T* direct = nullptr;
  if constexpr (std::is_same_v<T, Out>) {
    if (page.levels == nullptr && end == page.segment + 1)
      direct = out + segments[page.segment].out + (first - segments[page.segment].first);
  }
  ARROW_ASSIGN_OR_RAISE(const std::uint8_t* values, decode<T>(reader, page, skip, count, scratch, direct));
  if (values == reinterpret_cast<const std::uint8_t*>(direct)) return Status::OK();
  std::int64_t value = 0, row = first;  // of those decoded; the row it stands for
  for (std::size_t i = page.segment; i < end; ++i) {
    const std::int64_t from = std::max<std::int64_t>(segments[i].first, page.first);
    const std::int64_t to = std::min<std::int64_t>(segments[i].last, page.last);
    const std::int64_t at = segments[i].out + (from - segments[i].first);
    if (page.levels == nullptr) {
      copy<T>(values + (from - first) * static_cast<std::int64_t>(sizeof(T)), to - from, out + at, past_cache);
      continue;
    }
    value += ones(page.levels + (row - page.first), from - row);
    for (std::int64_t k = from; k < to; ++k) {
      const bool there = page.levels[k - page.first] != 0;
      out[at + (k - from)] =
          there ? static_cast<Out>(load<T>(values + value * static_cast<std::int64_t>(sizeof(T)))) : Out{};
      present[at + (k - from)] = there;
      value += there;
    }
    row = to;
  }
  return Status::OK();
}

Status read_booleans(const ChunkReader::Page& page, const std::vector<Segment>& segments, std::uint8_t* out,
                     std::uint8_t* present) {
  if (page.encoding != parquet::Encoding::PLAIN) return Status::NotImplemented("booleans in another encoding");
  if (page.bytes.size() < static_cast<std::size_t>(page.values + 7) / 8)
    return data_error("a page ends before its values do");
  if (page.levels != nullptr && present == nullptr) return data_error("a column has nulls that its footer denies");
  std::int64_t value = 0, row = page.first;
  for (std::size_t i = page.segment; i < segments.size() && static_cast<std::int64_t>(segments[i].first) < page.last;
       ++i) {
    const std::int64_t from = std::max<std::int64_t>(segments[i].first, page.first);
    const std::int64_t to = std::min<std::int64_t>(segments[i].last, page.last);
    const std::int64_t at = segments[i].out + (from - segments[i].first);
    value += page.levels == nullptr ? from - row : ones(page.levels + (row - page.first), from - row);
    for (std::int64_t k = from; k < to; ++k) {
      const bool there = page.levels == nullptr || page.levels[k - page.first] != 0;
      out[at + (k - from)] = there ? page.bytes[static_cast<std::size_t>(value >> 3)] >> (value & 7) & 1 : 0;
      if (present != nullptr) present[at + (k - from)] = there;
      value += there;
    }
    row = to;
  }
  return Status::OK();
}

}  // namespace

Status read_values(ChunkReader& reader, const ColumnChunk& chunk, const std::vector<Segment>& segments,
                   Scratch& scratch, int width, std::uint8_t* out, std::uint8_t* present, bool past_cache) {
  ChunkReader::Page page;
  for (;;) {
    ARROW_ASSIGN_OR_RAISE(const bool more, reader.next(page));
    if (!more) {
      if (past_cache) fence();
      return Status::OK();
    }
    auto read = [&]<class T, class Out>(T, Out) {
      return read_page<T>(reader, page, segments, scratch, reinterpret_cast<Out*>(out), present, past_cache);
    };
    using Form = ColumnChunk::Form;
    Status status = Status::NotImplemented("a form of another writer");
    if (chunk.form == Form::boolean && width == 1) status = read_booleans(page, segments, out, present);
    else if (chunk.form == Form::int32 && width == 1) status = read(std::int32_t{}, std::int8_t{});
    else if (chunk.form == Form::int32 && width == 2) status = read(std::int32_t{}, std::int16_t{});
    else if (chunk.form == Form::int32 && width == 4) status = read(std::int32_t{}, std::int32_t{});
    else if (chunk.form == Form::int32 && width == 8) status = read(std::int32_t{}, std::int64_t{});
    else if (chunk.form == Form::int64 && width == 8) status = read(std::int64_t{}, std::int64_t{});
    else if (chunk.form == Form::real32 && width == 4) status = read(float{}, float{});
    else if (chunk.form == Form::real64 && width == 8) status = read(double{}, double{});
    ARROW_RETURN_NOT_OK(status);
  }
}

}  // namespace tapemill::lake
