// The values of an Arrow array as Parquet's physical type has them, and their pages.
#include <arrow/array.h>
#include <arrow/util/decimal.h>
#include <parquet/schema.h>
#include <parquet/types.h>

#include <bit>
#include <cstring>
#include <deque>
#include <string_view>
#include <type_traits>
#include <unordered_map>

#include "lake/column_pages.h"
#include "lake/encode.h"

namespace tapemill::lake {
namespace {

constexpr std::size_t kDictionaryMost = 1 << 20;  // bytes; from then on pages are plain
constexpr std::size_t kTryEvery = 16;  // pages after which both ways of packing differences are tried again

template <class D>
constexpr bool kWhole = std::is_same_v<D, parquet::Int32Type> || std::is_same_v<D, parquet::Int64Type>;
template <class D>
constexpr bool kTexts = std::is_same_v<D, parquet::ByteArrayType>;

// The distinct values of a group in the order in which they came.
template <class T>
class Distinct {
 public:
  std::uint32_t find(const T& value) {
    const Key key = key_of(value);
    if (!numbers_.empty() && key == last_) return number_;
    auto found = numbers_.find(key);
    if (found == numbers_.end())
      found = numbers_.emplace(keep(value), static_cast<std::uint32_t>(numbers_.size())).first;
    last_ = found->first;
    return number_ = found->second;
  }
  std::size_t size() const { return numbers_.size(); }
  const std::string& plain() const { return plain_; }
  void clear() { numbers_.clear(), plain_.clear(), texts_.clear(); }

 private:
  static constexpr bool kIsText = std::is_same_v<T, parquet::ByteArray>;
  using Bits = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;
  using Key = std::conditional_t<kIsText, std::string_view, Bits>;
  static Key key_of(const T& value) {
    if constexpr (kIsText) return {reinterpret_cast<const char*>(value.ptr), value.len};
    else return std::bit_cast<Bits>(value);
  }
  Key keep(const T& value) {
    if constexpr (kIsText) {
      plain_.append(reinterpret_cast<const char*>(&value.len), sizeof value.len);
      plain_.append(reinterpret_cast<const char*>(value.ptr), value.len);
      return texts_.emplace_back(reinterpret_cast<const char*>(value.ptr), value.len);
    } else {
      plain_.append(reinterpret_cast<const char*>(&value), sizeof value);
      return std::bit_cast<Bits>(value);
    }
  }
  std::unordered_map<Key, std::uint32_t> numbers_;
  std::deque<std::string> texts_;
  std::string plain_;  // as the dictionary's page has them
  Key last_{};
  std::uint32_t number_ = 0;
};

template <class D>
class TypedPages final : public ColumnPages {
  using T = typename D::c_type;

 public:
  TypedPages(const parquet::ColumnDescriptor* column, const Options& options, arrow::MemoryPool* pool)
      : ColumnPages(column, options, pool),
        bounds_(parquet::MakeStatistics<D>(column, pool)),
        group_bounds_(parquet::MakeStatistics<D>(column, pool)) {}

  Status add(const arrow::Array& rows) override {
    const auto count = static_cast<std::size_t>(rows.length() - rows.null_count());
    ARROW_ASSIGN_OR_RAISE(const T* values, dense(rows, count));
    bounds_->Reset();
    if constexpr (kDictionary) {
      if (options_.encoding == PageEncoding::dictionary && !full_) {
        ARROW_RETURN_NOT_OK(add_indices(rows, values, count));
        group_bounds_->Merge(*bounds_);
        return Status::OK();
      }
    }
    bounds_->Update(values, static_cast<std::int64_t>(count), rows.null_count());
    group_bounds_->Merge(*bounds_);
    if constexpr (kWhole<D>) {
      if (options_.encoding == PageEncoding::delta) return add_differences(rows, values, count);
    }
    const bool split = options_.encoding == PageEncoding::split && sizeof(T) >= 4 && std::is_floating_point_v<T>;
    ARROW_ASSIGN_OR_RAISE(std::uint8_t* page, room(levels_room(rows) + plain_room(values, count)));
    std::size_t size = put_levels(rows, page);
    size += split ? encode_split(values, count, sizeof(T), page + size) : put_plain(values, count, page + size);
    ARROW_ASSIGN_OR_RAISE(const std::int64_t packed, pack_page(page, size));
    return end_page(packed, size, rows.length(),
                    split ? parquet::Encoding::BYTE_STREAM_SPLIT : parquet::Encoding::PLAIN, *bounds_);
  }

 private:
  static constexpr bool kDictionary = !std::is_same_v<D, parquet::BooleanType> && !std::is_same_v<D, parquet::FLBAType>;
  struct Nothing {};

  Status add_differences(const arrow::Array& rows, const T* values, std::size_t count) {
    const std::size_t levels = levels_room(rows), most = delta_room(count, sizeof(T));
    ARROW_ASSIGN_OR_RAISE(std::uint8_t* page, room(levels + most));
    auto put = [&](Packing packing) {
      const std::size_t size = put_levels(rows, page);
      return size + encode_delta(values, count, packing, page + size);
    };
    if (trial()) {
      level_ = options_.level;
      const std::size_t tight = put(Packing::tight);
      ARROW_ASSIGN_OR_RAISE(const std::int64_t one, pack(page, tight));
      const std::size_t by_bytes = put(Packing::bytes);
      ARROW_ASSIGN_OR_RAISE(const std::int64_t other, pack(page, by_bytes));
      packing_ = other < one ? Packing::bytes : Packing::tight;
      if (level_ <= 1) {  // what pack_page() would make of it is there
        if (packing_ == Packing::bytes) drop_first(one, other);
        else drop_second(other);
        return end_page(std::min(one, other), packing_ == Packing::bytes ? by_bytes : tight, rows.length(),
                        parquet::Encoding::DELTA_BINARY_PACKED, *bounds_);
      }
      drop_second(other);
      drop_second(one);
    }
    const std::size_t size = put(packing_);
    ARROW_ASSIGN_OR_RAISE(const std::int64_t packed, pack_page(page, size));
    return end_page(packed, size, rows.length(), parquet::Encoding::DELTA_BINARY_PACKED, *bounds_);
  }

  Status add_indices(const arrow::Array& rows, const T* values, std::size_t count) {
    indices_.resize(count);
    for (std::size_t i = 0; i < count; ++i) indices_[i] = distinct_.find(values[i]);
    if constexpr (kTexts<D>) {  // each text once: comparing them costs more than finding out which there are
      seen_.resize(distinct_.size());
      ++page_number_;
      some_.clear();
      for (std::size_t i = 0; i < count; ++i)
        if (std::exchange(seen_[indices_[i]], page_number_) != page_number_) some_.push_back(values[i]);
      bounds_->Update(some_.data(), static_cast<std::int64_t>(some_.size()), rows.null_count());
    } else {
      bounds_->Update(values, static_cast<std::int64_t>(count), rows.null_count());
    }
    const int width = std::max(1, static_cast<int>(std::bit_width(distinct_.size() - (distinct_.size() > 0))));
    ARROW_ASSIGN_OR_RAISE(std::uint8_t* page, room(levels_room(rows) + 1 + hybrid_room(count, width)));
    std::size_t size = put_levels(rows, page);
    page[size++] = static_cast<std::uint8_t>(width);
    size += encode_hybrid(indices_.data(), count, width, page + size);
    ARROW_ASSIGN_OR_RAISE(const std::int64_t packed, pack_page(page, size));
    full_ = distinct_.plain().size() > kDictionaryMost;
    return end_page(packed, size, rows.length(), parquet::Encoding::RLE_DICTIONARY, *bounds_);
  }

  std::size_t plain_room(const T* values, std::size_t count) const {
    if constexpr (kTexts<D>) {
      std::size_t size = 0;
      for (std::size_t i = 0; i < count; ++i) size += 4 + values[i].len;
      return size;
    }
    return count * std::max<std::size_t>(sizeof(T), static_cast<std::size_t>(std::max(column_->type_length(), 0)));
  }

  std::size_t put_plain(const T* values, std::size_t count, std::uint8_t* out) const {
    if constexpr (kTexts<D>) {
      std::uint8_t* at = out;
      for (std::size_t i = 0; i < count; ++i) {
        std::memcpy(at, &values[i].len, 4);
        std::memcpy(at + 4, values[i].ptr, values[i].len);
        at += 4 + values[i].len;
      }
      return static_cast<std::size_t>(at - out);
    } else if constexpr (std::is_same_v<D, parquet::BooleanType>) {
      std::memset(out, 0, (count + 7) / 8);
      for (std::size_t i = 0; i < count; ++i) out[i / 8] = static_cast<std::uint8_t>(out[i / 8] | values[i] << (i % 8));
      return (count + 7) / 8;
    } else if constexpr (std::is_same_v<D, parquet::FLBAType>) {
      const auto width = static_cast<std::size_t>(column_->type_length());
      for (std::size_t i = 0; i < count; ++i) std::memcpy(out + i * width, values[i].ptr, width);
      return count * width;
    } else {
      if (count > 0) std::memcpy(out, values, count * sizeof(T));
      return count * sizeof(T);
    }
  }

  /// The values of rows that are not null, one after the other; valid until the next call.
  Result<const T*> dense(const arrow::Array& rows, std::size_t count) {
    const arrow::ArrayData& data = *rows.data();
    const arrow::Type::type type = rows.type_id();
    if constexpr (std::is_same_v<D, parquet::Int64Type>) {
      if (type == arrow::Type::INT64 || type == arrow::Type::TIMESTAMP || type == arrow::Type::DECIMAL64)
        return of<std::int64_t>(rows, count);
      if (type == arrow::Type::DECIMAL128) return of<arrow::Decimal128>(rows, count);
    } else if constexpr (std::is_same_v<D, parquet::Int32Type>) {
      if (type == arrow::Type::INT32 || type == arrow::Type::DATE32) return of<std::int32_t>(rows, count);
      if (type == arrow::Type::INT8) return of<std::int8_t>(rows, count);
      if (type == arrow::Type::INT16) return of<std::int16_t>(rows, count);
      if (type == arrow::Type::DECIMAL64) return of<std::int64_t>(rows, count);
      if (type == arrow::Type::DECIMAL128) return of<arrow::Decimal128>(rows, count);
    } else if constexpr (std::is_floating_point_v<T>) {
      if ((type == arrow::Type::DOUBLE && sizeof(T) == 8) || (type == arrow::Type::FLOAT && sizeof(T) == 4))
        return of<T>(rows, count);
    } else if constexpr (std::is_same_v<D, parquet::BooleanType>) {
      if (type == arrow::Type::BOOL) {
        const auto& bits = static_cast<const arrow::BooleanArray&>(rows);
        T* out = reserve(count);
        for (std::int64_t row = 0; row < rows.length(); ++row)
          if (rows.IsValid(row)) *out++ = bits.Value(row);
        return reserve(count);
      }
    } else if constexpr (kTexts<D>) {
      if (type == arrow::Type::STRING || type == arrow::Type::BINARY) {
        const std::int32_t* ends = data.GetValues<std::int32_t>(1);
        const std::uint8_t* bytes = data.buffers[2] == nullptr ? nullptr : data.buffers[2]->data();
        const bool nulls = rows.null_count() > 0;
        T* out = reserve(count);
        for (std::int64_t row = 0; row < rows.length(); ++row) {
          if (nulls && rows.IsNull(row)) continue;
          *out++ = T(static_cast<std::uint32_t>(ends[row + 1] - ends[row]), bytes + ends[row]);
        }
        return reserve(count);
      }
    } else if (type == arrow::Type::DECIMAL128) {  // big-endian, as long as its digits need
      const auto width = static_cast<std::size_t>(column_->type_length());
      fixed_.resize(count * width);
      T* out = reserve(count);
      std::uint8_t* to = fixed_.data();
      for (std::int64_t row = 0; row < rows.length(); ++row) {
        if (rows.IsNull(row)) continue;
        const std::uint8_t* value = static_cast<const arrow::Decimal128Array&>(rows).GetValue(row);
        for (std::size_t i = 0; i < width; ++i) to[i] = value[width - 1 - i];
        *out++ = T(to);
        to += width;
      }
      return reserve(count);
    }
    return Status::NotImplemented("a column of type ", rows.type()->ToString(), " cannot be written");
  }

  template <class From>
  const T* of(const arrow::Array& rows, std::size_t count) {
    const From* values = rows.data()->template GetValues<From>(1);
    const bool nulls = rows.null_count() > 0;
    if constexpr (std::is_same_v<From, T>) {
      if (!nulls) return values;
    }
    T* out = reserve(count);
    for (std::int64_t row = 0; row < rows.length(); ++row) {
      if (nulls && rows.IsNull(row)) continue;
      if constexpr (std::is_same_v<From, arrow::Decimal128>) *out++ = static_cast<T>(values[row].low_bits());
      else *out++ = static_cast<T>(values[row]);  // NOLINT(bugprone-signed-char-misuse): an int8 is a number here
    }
    return reserve(count);
  }

  T* reserve(std::size_t count) {
    const std::size_t bytes = count * sizeof(T);
    if (values_.size() < bytes) values_.resize(bytes);
    return reinterpret_cast<T*>(values_.data());
  }

  void end_group() override {
    distinct_.clear();
    seen_.clear();
    full_ = false;
    group_bounds_->Reset();
  }
  parquet::Statistics& group_bounds() override { return *group_bounds_; }
  Result<std::shared_ptr<arrow::Buffer>> dictionary(std::int32_t& count) override {
    if constexpr (kDictionary) {
      if (options_.encoding == PageEncoding::dictionary) {
        count = static_cast<std::int32_t>(distinct_.size());
        return std::make_shared<arrow::Buffer>(distinct_.plain());
      }
    }
    return nullptr;
  }

  std::shared_ptr<parquet::TypedStatistics<D>> bounds_, group_bounds_;
  Packing packing_ = Packing::tight;
  std::conditional_t<kDictionary, Distinct<std::conditional_t<kDictionary, T, int>>, Distinct<int>> distinct_;
  std::vector<std::uint32_t> indices_, seen_;  // seen_: the page in which a value of the dictionary was met last
  std::uint32_t page_number_ = 0;
  bool full_ = false;
  std::vector<parquet::ByteArray> some_;
  std::vector<std::uint8_t> values_, fixed_;
};

}  // namespace

std::unique_ptr<ColumnPages> ColumnPages::make(const parquet::ColumnDescriptor* column, const Options& options,
                                               arrow::MemoryPool* pool) {
  switch (column->physical_type()) {
    case parquet::Type::BOOLEAN: return std::make_unique<TypedPages<parquet::BooleanType>>(column, options, pool);
    case parquet::Type::INT32: return std::make_unique<TypedPages<parquet::Int32Type>>(column, options, pool);
    case parquet::Type::INT64: return std::make_unique<TypedPages<parquet::Int64Type>>(column, options, pool);
    case parquet::Type::FLOAT: return std::make_unique<TypedPages<parquet::FloatType>>(column, options, pool);
    case parquet::Type::DOUBLE: return std::make_unique<TypedPages<parquet::DoubleType>>(column, options, pool);
    case parquet::Type::BYTE_ARRAY: return std::make_unique<TypedPages<parquet::ByteArrayType>>(column, options, pool);
    case parquet::Type::FIXED_LEN_BYTE_ARRAY:
      return std::make_unique<TypedPages<parquet::FLBAType>>(column, options, pool);
    default: return nullptr;
  }
}

}  // namespace tapemill::lake
