#include "graph/connectors/table_source.h"

#include <arrow/api.h>

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "graph/connectors/append_rows.h"

namespace tapemill::graph {
namespace {

class TableSource final : public Source {
 public:
  TableSource(arrow::ArrayVector columns, std::vector<std::int64_t> times, std::vector<std::int64_t> order,
              std::string version, std::vector<DeadRow> dead)
      : columns_(std::move(columns)),
        times_(std::move(times)),
        order_(std::move(order)),
        version_(std::move(version)),
        dead_(std::move(dead)) {}

  Result<std::size_t> read(Block& out, std::size_t most) override {
    std::size_t count = std::min(most, order_.size() - at_);
    auto row_of = [this](std::size_t i) { return order_[at_ + i]; };
    for (std::size_t c = 0; c < columns_.size(); ++c) append_rows(*columns_[c], count, row_of, out.columns[c]);
    for (std::size_t i = 0; i < count; ++i) out.time.push_back(times_[static_cast<std::size_t>(order_[at_ + i])]);
    at_ += count;
    return count;
  }
  Status seek(std::int64_t row) override {
    if (row < 0 || row > rows())
      return data_error(fmt::format("checkpoint: row {} of a source that has {}", row, rows()),
                        "run the graph from its beginning");
    at_ = static_cast<std::size_t>(row);
    return Status::OK();
  }
  std::int64_t rows() const override { return static_cast<std::int64_t>(order_.size()); }
  std::string version() const override { return version_; }
  std::vector<DeadRow> dead() override { return std::move(dead_); }

 private:
  arrow::ArrayVector columns_;
  std::vector<std::int64_t> times_, order_;  // of each row; rows in event order
  std::string version_;
  std::vector<DeadRow> dead_;
  std::size_t at_ = 0;
};

/// The rank of each row's key among all keys.
std::vector<std::int32_t> ranks(const arrow::StringArray& keys) {
  std::unordered_map<std::string_view, std::int32_t> known;
  std::vector<std::string_view> names;
  std::vector<std::int32_t> out(static_cast<std::size_t>(keys.length()));
  for (std::int64_t row = 0; row < keys.length(); ++row) {
    std::string_view key = keys.IsNull(row) ? std::string_view{} : std::string_view(keys.GetView(row));
    auto [found, fresh] = known.emplace(key, static_cast<std::int32_t>(names.size()));
    if (fresh) names.push_back(key);
    out[static_cast<std::size_t>(row)] = found->second;
  }
  std::vector<std::int32_t> sorted(names.size()), rank(names.size());
  std::iota(sorted.begin(), sorted.end(), 0);
  std::sort(sorted.begin(), sorted.end(), [&](std::int32_t a, std::int32_t b) {
    return names[static_cast<std::size_t>(a)] < names[static_cast<std::size_t>(b)];
  });
  for (std::size_t i = 0; i < sorted.size(); ++i)
    rank[static_cast<std::size_t>(sorted[i])] = static_cast<std::int32_t>(i);
  for (std::int32_t& key : out) key = rank[static_cast<std::size_t>(key)];
  return out;
}

}  // namespace

std::vector<std::int64_t> times_of(const arrow::Array& column) {
  std::vector<std::int64_t> out(static_cast<std::size_t>(column.length()));
  for (std::int64_t row = 0; row < column.length(); ++row) {
    std::int64_t& time = out[static_cast<std::size_t>(row)];
    if (column.IsNull(row)) time = std::numeric_limits<std::int64_t>::min();
    else if (column.type_id() == arrow::Type::DATE32)
      time = static_cast<const arrow::Date32Array&>(column).Value(row) * kDay;
    else time = static_cast<const arrow::TimestampArray&>(column).Value(row);
  }
  return out;
}

std::shared_ptr<arrow::DataType> arrow_type(const Field& field) {
  switch (field.kind) {
    case Kind::boolean: return arrow::boolean();
    case Kind::int32: return arrow::int32();
    case Kind::int64: return arrow::int64();
    case Kind::float64: return arrow::float64();
    case Kind::decimal: return arrow::decimal64(18, field.scale);
    case Kind::string: return arrow::utf8();
    case Kind::date: return arrow::date32();
    case Kind::timestamp: return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  }
  return arrow::null();
}

Result<Schema> schema_of(const arrow::Schema& schema) {
  Schema out;
  for (const auto& field : schema.fields()) {
    Field one{field->name(), Kind::string, 0};
    switch (field->type()->id()) {
      case arrow::Type::BOOL: one.kind = Kind::boolean; break;
      case arrow::Type::INT32: one.kind = Kind::int32; break;
      case arrow::Type::INT64: one.kind = Kind::int64; break;
      case arrow::Type::DOUBLE: one.kind = Kind::float64; break;
      case arrow::Type::STRING: break;
      case arrow::Type::DATE32: one.kind = Kind::date; break;
      case arrow::Type::TIMESTAMP: one.kind = Kind::timestamp; break;
      case arrow::Type::DECIMAL64:
        one.kind = Kind::decimal, one.scale = static_cast<const arrow::DecimalType&>(*field->type()).scale();
        break;
      default:
        return usage_error(
            fmt::format("column \"{}\" is {}, which events do not have", field->name(), field->type()->ToString()),
            "name the columns that are wanted: ?columns=a,b");
    }
    out.fields.push_back(std::move(one));
  }
  return out;
}

Result<int> time_column(const Node& config, const Schema& schema, const std::string& wanted) {
  auto dated = [&](int at) {
    return at >= 0 && (schema.fields[static_cast<std::size_t>(at)].kind == Kind::date ||
                       schema.fields[static_cast<std::size_t>(at)].kind == Kind::timestamp);
  };
  if (!wanted.empty()) {
    int at = schema.find(wanted);
    if (dated(at)) return at;
    const Node* key = config.find("time_column");
    std::string near = nearest(wanted, schema.names());
    return (key != nullptr ? *key : config)
        .error(fmt::format("\"{}\" is no date or timestamp of the rows", wanted),
               near.empty() ? fmt::format("they have {}", fmt::join(schema.names(), ", "))
                            : fmt::format("did you mean \"{}\"?", near));
  }
  for (const char* name : {"time", "timestamp", "session", "date", "trade_date"})
    if (dated(schema.find(name))) return schema.find(name);
  return -1;
}

Result<std::unique_ptr<Source>> table_source(const std::shared_ptr<arrow::Table>& table, const Schema& schema, int time,
                                             int key, std::string version, std::vector<DeadRow> dead,
                                             arrow::MemoryPool* pool) {
  arrow::ArrayVector columns;
  for (std::size_t c = 0; c < schema.fields.size(); ++c) {
    const auto& chunks = *table->column(static_cast<int>(c));
    if (chunks.num_chunks() == 1) {
      columns.push_back(chunks.chunk(0));
    } else if (chunks.num_chunks() == 0) {
      ARROW_ASSIGN_OR_RAISE(auto none, arrow::MakeEmptyArray(chunks.type(), pool));
      columns.push_back(std::move(none));
    } else {
      ARROW_ASSIGN_OR_RAISE(auto whole, arrow::Concatenate(chunks.chunks(), pool));
      columns.push_back(std::move(whole));
    }
  }
  std::vector<std::int64_t> order(static_cast<std::size_t>(table->num_rows()));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  std::vector<std::int64_t> times(order.size());
  if (time >= 0) {
    times = times_of(*columns[static_cast<std::size_t>(time)]);
    std::vector<std::int32_t> rank(order.size());
    if (key >= 0) rank = ranks(static_cast<const arrow::StringArray&>(*columns[static_cast<std::size_t>(key)]));
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
      auto x = static_cast<std::size_t>(a), y = static_cast<std::size_t>(b);
      return times[x] != times[y] ? times[x] < times[y] : rank[x] < rank[y];
    });
  }
  return std::make_unique<TableSource>(std::move(columns), std::move(times), std::move(order), std::move(version),
                                       std::move(dead));
}

}  // namespace tapemill::graph
