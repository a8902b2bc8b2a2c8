#include <arrow/api.h>
#include <fnmatch.h>
#include <glob.h>

#include <filesystem>
#include <map>

#include "core/hash.h"
#include "core/held.h"
#include "graph/calculator.h"
#include "graph/connectors/event_sorter.h"
#include "graph/connectors/file_rows.h"
#include "graph/connectors/table_source.h"
#include "sources/numbers.h"

namespace tapemill::graph {
struct ColumnConfig {
  std::string name, type = "double";
};
struct FileSourceConfig {
  std::string source, file_pattern, time_column;
  double poll_interval = 0;
  std::vector<ColumnConfig> columns;
};
}  // namespace tapemill::graph
namespace tapemill {
template <>
inline constexpr auto fields<graph::ColumnConfig> = std::tuple{
    field("name", &graph::ColumnConfig::name, "of the column"),
    field("type", &graph::ColumnConfig::type, "of its values", "double|int64|boolean|string|date|timestamp")};
template <>
inline constexpr auto fields<graph::FileSourceConfig> = std::tuple{
    field("source", &graph::FileSourceConfig::source, "file://GLOB of CSV or JSON lines, .gz as well"),
    field("file_pattern", &graph::FileSourceConfig::file_pattern,
          "of the files that the glob finds, those whose name is like this"),
    field("time_column", &graph::FileSourceConfig::time_column,
          "column of event times (empty: time, timestamp, session, date or trade_date)"),
    field("poll_interval", &graph::FileSourceConfig::poll_interval,
          "seconds between looks for new files; in this version the files that are there are read once", 0.0, 1e9),
    field("columns", &graph::FileSourceConfig::columns, "names and types (empty: told by the first rows)")};
}  // namespace tapemill

namespace tapemill::graph {
namespace {

constexpr std::int64_t kLooked = 1000;     // rows that tell the types
constexpr std::size_t kMostDead = 100'000;

Result<std::vector<std::string>> files_of(const Address& address, const std::string& pattern) {
  std::string path = address.path;
  if (std::error_code ignored; std::filesystem::is_directory(path, ignored)) path += path.back() == '/' ? "*" : "/*";
  glob_t found{};
  int code = ::glob(path.c_str(), 0, nullptr, &found);  // sorted
  std::vector<std::string> files;
  for (std::size_t i = 0; code == 0 && i < found.gl_pathc; ++i) {
    const std::string one = found.gl_pathv[i], name = std::filesystem::path(one).filename().string();
    if (std::error_code ignored; std::filesystem::is_directory(one, ignored)) continue;
    if (pattern.empty() || ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0) files.push_back(one);
  }
  ::globfree(&found);
  if (!files.empty()) return files;
  ARROW_RETURN_NOT_OK(placed(*address.at, file_form(path).status(), ""));
  return address.at->error(
      fmt::format("no file is like {}{}", path, pattern.empty() ? "" : fmt::format(" and {}", pattern)),
      "file:///absolute/*.csv, or file://from/here/*.csv");
}

/// Of the kinds that a column's texts can all be read as, the narrowest; numbers are doubles.
Kind narrowest(const std::vector<std::string>& texts) {
  auto all = [&](auto reads) { return !texts.empty() && std::all_of(texts.begin(), texts.end(), reads); };
  double number = 0;
  if (all([&](const std::string& text) { return sources::read_double(text, number) == nullptr; })) return Kind::float64;
  if (all([](const std::string& text) { return Date::parse(text).ok(); })) return Kind::date;
  if (all([](const std::string& text) { return Instant::parse(text).ok(); })) return Kind::timestamp;
  if (all([](const std::string& text) { return text == "true" || text == "false"; })) return Kind::boolean;
  return Kind::string;
}

Result<Schema> look(const std::string& path, FileForm form) {
  std::vector<std::string> names;
  std::map<std::string, std::vector<std::string>, std::less<>> texts;
  std::int64_t rows = 0;
  ARROW_RETURN_NOT_OK(read_rows(path, form, [&](const RawRow& row) -> Result<bool> {
    for (const auto& cell : row.cells) {
      auto known = texts.find(cell.name);
      if (known == texts.end())
        known = texts.emplace(std::string(cell.name), std::vector<std::string>{}).first, names.emplace_back(cell.name);
      if (cell.text) known->second.emplace_back(*cell.text);
    }
    return ++rows < kLooked;
  }));
  if (names.empty())
    return data_error(path + ": has no rows that could tell its columns",
                      "say \"columns\": [{\"name\": \"close\", \"type\": \"double\"}]");
  Schema schema;
  for (const std::string& name : names) schema.fields.push_back({name, narrowest(texts[name]), 0});
  return schema;
}

Kind kind_of(const std::string& type) {
  const std::pair<const char*, Kind> kinds[] = {{"double", Kind::float64},
                                                {"int64", Kind::int64},
                                                {"boolean", Kind::boolean},
                                                {"date", Kind::date},
                                                {"timestamp", Kind::timestamp}};
  for (const auto& [name, kind] : kinds)
    if (type == name) return kind;
  return Kind::string;
}

/// Rows of files on their way into Arrow columns.
class Reader {
 public:
  /// `sorter`: takes rows on the way; null: finish() gives them all.
  Reader(const Schema& schema, int time, arrow::MemoryPool* pool, EventSorter* sorter)
      : schema_(schema), time_(time), pool_(pool), sorter_(sorter), cells_(schema.fields.size()) {
    for (const Field& field : schema.fields) {
      fields_.push_back(arrow::field(field.name, arrow_type(field)));
      builders_.push_back(arrow::MakeBuilder(fields_.back()->type(), pool).ValueOrDie());
    }
  }

  Status file(const std::string& path) {
    auto form = file_form(path);
    ARROW_RETURN_NOT_OK(form);
    return read_rows(path, *form, [&](const RawRow& row) -> Result<bool> {
      std::string reason(row.reason);
      if (reason.empty()) reason = read(row);
      if (!reason.empty()) {
        dead.push_back({path, row.line, std::move(reason), std::string(row.raw.substr(0, 4096))});
        ARROW_RETURN_NOT_OK(hold(static_cast<std::int64_t>(sizeof(DeadRow) + dead.back().raw.size() + 128)));
        if (dead.size() > kMostDead)
          return data_error(fmt::format("{}:{}: over {} rows do not parse; this one {}", path, row.line, kMostDead,
                                        dead.back().reason),
                            "is this the file that was meant?");
        return true;
      }
      for (std::size_t c = 0; c < cells_.size(); ++c) ARROW_RETURN_NOT_OK(append(c));
      if (sorter_ != nullptr && ++rows_ == kAtOnce) ARROW_RETURN_NOT_OK(hand_on());
      return true;
    });
  }

  Result<std::shared_ptr<arrow::Table>> finish() {
    arrow::ArrayVector columns;
    for (auto& builder : builders_) {
      ARROW_ASSIGN_OR_RAISE(auto column, builder->Finish());
      columns.push_back(std::move(column));
    }
    return arrow::Table::Make(arrow::schema(fields_), columns);
  }
  /// Dead rows stand in the budget too, in steps.
  Status hold(std::int64_t more) {
    dead_bytes_ += more;
    if (sorter_ == nullptr || dead_bytes_ <= held_.bytes()) return Status::OK();
    held_.give_back();
    return Held::take(std::max<std::int64_t>(2 * dead_bytes_, 1 << 20), pool_).Value(&held_);
  }
  /// To the sorter, what was read since the last time.
  Status hand_on() {
    rows_ = 0;
    ARROW_ASSIGN_OR_RAISE(auto table, finish());
    ARROW_ASSIGN_OR_RAISE(auto rows, table->CombineChunksToBatch());
    return sorter_->add(rows);
  }

  std::vector<DeadRow> dead;

 private:
  struct Value {
    bool null = true;
    double number = 0;
    std::int64_t integer = 0;
    std::string_view text;
  };

  /// Fills cells_; what is wrong with the row otherwise.
  std::string read(const RawRow& row) {
    std::fill(cells_.begin(), cells_.end(), Value{});
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      const auto& cell = row.cells[i];
      // Cells come in one order almost always: look where the last row had it first.
      if (i >= places_.size()) places_.push_back(-1);
      if (places_[i] < 0 || schema_.fields[static_cast<std::size_t>(places_[i])].name != cell.name)
        places_[i] = schema_.find(cell.name);
      if (places_[i] < 0 || !cell.text) continue;
      const auto c = static_cast<std::size_t>(places_[i]);
      if (const char* complaint = value(schema_.fields[c].kind, *cell.text, cells_[c]))
        return fmt::format("{} \"{}\" {}", cell.name, cell.text->substr(0, 40), complaint);
      cells_[c].null = false;
    }
    if (time_ >= 0 && cells_[static_cast<std::size_t>(time_)].null)
      return fmt::format("{} is null: the row has no event time", schema_.fields[static_cast<std::size_t>(time_)].name);
    return {};
  }

  static const char* value(Kind kind, std::string_view text, Value& out) {
    switch (kind) {
      case Kind::float64: return sources::read_double(text, out.number);
      case Kind::int32:
      case Kind::int64: return sources::read_integer(text, out.integer);
      case Kind::boolean:
        out.integer = text == "true";
        return text == "true" || text == "false" ? nullptr : "is not true or false";
      case Kind::date: {
        auto date = Date::parse(text);
        if (date.ok()) out.integer = date->days;
        return date.ok() ? nullptr : "is not a date such as 2024-10-28";
      }
      case Kind::timestamp: {
        auto instant = Instant::parse(text);
        if (instant.ok()) out.integer = instant->us;
        return instant.ok() ? nullptr : "is not an instant such as 2024-10-28T09:15:00Z";
      }
      case Kind::decimal:
      case Kind::string: break;
    }
    out.text = text;
    return nullptr;
  }

  Status append(std::size_t c) {
    arrow::ArrayBuilder& builder = *builders_[c];
    const Value& value = cells_[c];
    if (value.null) return builder.AppendNull();
    switch (schema_.fields[c].kind) {
      case Kind::float64: return static_cast<arrow::DoubleBuilder&>(builder).Append(value.number);
      case Kind::boolean: return static_cast<arrow::BooleanBuilder&>(builder).Append(value.integer != 0);
      case Kind::date:
        return static_cast<arrow::Date32Builder&>(builder).Append(static_cast<std::int32_t>(value.integer));
      case Kind::timestamp: return static_cast<arrow::TimestampBuilder&>(builder).Append(value.integer);
      case Kind::string: return static_cast<arrow::StringBuilder&>(builder).Append(value.text);
      default: return static_cast<arrow::Int64Builder&>(builder).Append(value.integer);
    }
  }

  static constexpr std::int64_t kAtOnce = 4096;  // rows
  const Schema& schema_;
  int time_;
  arrow::MemoryPool* pool_;
  EventSorter* sorter_;
  std::int64_t rows_ = 0, dead_bytes_ = 0;
  Held held_;
  std::vector<Value> cells_;
  std::vector<int> places_;
  arrow::FieldVector fields_;
  std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders_;
};

}  // namespace

Result<SourcePlan> plan_file_source(const Node& config, const Address& address, const Surroundings&) {
  FileSourceConfig options;
  ARROW_RETURN_NOT_OK(read_config(config, options));
  ARROW_ASSIGN_OR_RAISE(auto files, files_of(address, options.file_pattern));
  std::string identity;
  for (const std::string& file : files) {
    ARROW_RETURN_NOT_OK(placed(*address.at, file_form(file).status(), ""));
    std::error_code failed;
    auto size = std::filesystem::file_size(file, failed);
    auto modified = std::filesystem::last_write_time(file, failed).time_since_epoch().count();
    identity += fmt::format("{} {} {}\n", file, size, modified);
  }
  SourcePlan plan;
  if (options.columns.empty()) {
    auto looked = look(files.front(), *file_form(files.front()));
    if (!looked.ok()) return placed(*address.at, looked.status(), "");
    plan.schema = *looked;
  }
  for (const ColumnConfig& column : options.columns) {
    if (column.name.empty() || plan.schema.find(column.name) >= 0)
      return config.find("columns")->error(fmt::format("\"{}\": a column has a name, and one of its own", column.name));
    plan.schema.fields.push_back({column.name, kind_of(column.type), 0});
  }
  ARROW_ASSIGN_OR_RAISE(int time, time_column(config, plan.schema, options.time_column));
  plan.time_of_day = time >= 0 && plan.schema.fields[static_cast<std::size_t>(time)].kind == Kind::timestamp;
  int key = -1;
  for (const char* name : {"ticker", "instrument_id", "symbol"})
    if (int at = plan.schema.find(name);
        key < 0 && at >= 0 && plan.schema.fields[static_cast<std::size_t>(at)].kind == Kind::string)
      key = at;
  plan.note = fmt::format("{} file{}", files.size(), files.size() == 1 ? "" : "s");
  const std::string version = "files " + sha256(identity);
  plan.open = [files, time, key, version,
               schema = plan.schema](const Surroundings& here) -> Result<std::unique_ptr<Source>> {
    arrow::MemoryPool* pool = here.budget != nullptr ? here.budget->pool() : arrow::default_memory_pool();
    if (here.budget != nullptr && here.budget->ceiling() > 0) {
      const std::string folder = std::filesystem::temp_directory_path().string();
      EventSorter sorter(schema, time, key, {}, folder, *here.budget);
      Reader reader(schema, time, pool, &sorter);
      for (const std::string& file : files) ARROW_RETURN_NOT_OK(reader.file(file));
      ARROW_RETURN_NOT_OK(reader.hand_on());
      return sorter.finish(version, std::move(reader.dead));
    }
    Reader reader(schema, time, pool, nullptr);
    for (const std::string& file : files) ARROW_RETURN_NOT_OK(reader.file(file));
    ARROW_ASSIGN_OR_RAISE(auto table, reader.finish());
    return table_source(table, schema, time, key, version, std::move(reader.dead), pool);
  };
  return plan;
}

}  // namespace tapemill::graph
