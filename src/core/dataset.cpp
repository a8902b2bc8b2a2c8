#include "core/dataset.h"

#include <arrow/type.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "core/config.h"
#include "core/document.h"
#include "core/paths.h"
#include "core/read_check.h"

namespace fs = std::filesystem;
namespace tapemill {
namespace {

Status one_of(const Node& node, const std::string& value, const std::vector<std::string>& known) {
  if (std::find(known.begin(), known.end(), value) != known.end()) return Status::OK();
  std::string all;
  for (const auto& name : known) all += (all.empty() ? "" : ", ") + name;
  std::string near = nearest(value, known);
  return node.error(fmt::format("unknown {} \"{}\"", "value", value),
                    (near.empty() ? "known: " : "did you mean \"" + near + "\"? known: ") + all);
}

Result<Column> read_column(const Node& name, const Node& node) {
  ARROW_RETURN_NOT_OK(node.only({"type", "unit", "null", "encoding", "default", "help"}));
  Column column;
  column.name = name.text;
  std::string type, null = "allow";
  ARROW_RETURN_NOT_OK(read_text(node, "type", type, true));
  ARROW_RETURN_NOT_OK(read_text(node, "unit", column.unit));
  ARROW_RETURN_NOT_OK(read_text(node, "help", column.help));
  ARROW_RETURN_NOT_OK(read_text(node, "encoding", column.encoding));
  ARROW_RETURN_NOT_OK(read_text(node, "null", null));
  if (const Node* fallback = node.find("default"); fallback != nullptr && fallback->type != Node::Type::null)
    ARROW_RETURN_NOT_OK(fallback->as_string().Value(&column.fallback.emplace()));
  if (null != "allow" && null != "refuse") return node.find("null")->error("null is allow or refuse");
  column.null_refused = null == "refuse";
  if (!column.encoding.empty())
    ARROW_RETURN_NOT_OK(
        one_of(*node.find("encoding"), column.encoding, {"plain", "dictionary", "delta", "byte_stream_split"}));
  const Node& at = *node.find("type");
  if (type.starts_with("decimal(18,") && type.ends_with(")")) {
    column.kind = Kind::decimal;
    std::string scale = type.substr(11, type.size() - 12);
    scale.erase(0, scale.find_first_not_of(' '));
    if (scale.empty() || scale.size() > 2 || scale.find_first_not_of("0123456789") != std::string::npos ||
        std::stoi(scale) > 18)
      return at.error(fmt::format("\"{}\": the scale is 0 to 18", type));
    column.scale = std::stoi(scale);
    return column;
  }
  static const std::vector<std::pair<std::string, Kind>> kinds{
      {"boolean", Kind::boolean}, {"int32", Kind::int32},   {"int64", Kind::int64}, {"float64", Kind::float64},
      {"double", Kind::float64},  {"string", Kind::string}, {"date", Kind::date},   {"timestamp", Kind::timestamp}};
  std::vector<std::string> known{"decimal(18,s)"};
  for (const auto& [text, kind] : kinds) {
    if (text == type) {
      column.kind = kind;
      return column;
    }
    known.push_back(text);
  }
  ARROW_RETURN_NOT_OK(one_of(at, type, known));
  return column;
}

Status read_available(const Node& root, Dataset& dataset) {
  const Node* node = root.find("available");
  if (node == nullptr) return Status::OK();
  ARROW_ASSIGN_OR_RAISE(std::string text, node->as_string());
  auto plus = text.find('+');
  std::string base = text.substr(0, plus);
  base.erase(base.find_last_not_of(' ') + 1);
  ARROW_RETURN_NOT_OK(one_of(*node, base, {"session_close", "bar_close"}));
  dataset.available = base;
  if (plus == std::string::npos) return Status::OK();
  std::string lag = text.substr(plus + 1);
  lag.erase(0, lag.find_first_not_of(' '));
  auto parsed = parse_duration(lag);
  if (!parsed.ok()) return node->error(parsed.status().message());
  dataset.available_lag = *parsed;
  return Status::OK();
}

/// csv: columns, and field_mapping: {open: o, time: {from: t, format: epoch_ms}, id: {template: "{exchange}:{symbol}"}}
Status read_mapping(const Node& node, Dataset& dataset) {
  for (const auto& [name, body] : node.members) {
    CsvColumn one;
    if (body.is_scalar()) one.from = body.text;
    else {
      ARROW_RETURN_NOT_OK(body.only({"from", "format", "template"}));
      ARROW_RETURN_NOT_OK(read_text(body, "from", one.from));
      ARROW_RETURN_NOT_OK(read_text(body, "format", one.format));
      ARROW_RETURN_NOT_OK(read_text(body, "template", one.fill));
    }
    if (one.from.empty() == one.fill.empty()) return body.error("a mapped column has either from or template");
    if (dataset.column(name.text) == nullptr)
      return name.error(fmt::format("\"{}\" is no column of this data set", name.text));
    dataset.csv[name.text] = std::move(one);
  }
  return Status::OK();
}

Status read_csv(const Node& node, Dataset& dataset) {
  ARROW_RETURN_NOT_OK(node.only({"columns", "delimiter", "encoding", "header"}));
  std::string delimiter = ",", header = "true";
  ARROW_RETURN_NOT_OK(read_text(node, "delimiter", delimiter));
  if (delimiter == "tab") delimiter = "\t";
  if (delimiter.size() != 1 || delimiter == "\"" || delimiter == "\n" || delimiter == "\r")
    return node.find("delimiter")->error("a delimiter is one character, or tab");
  dataset.csv_delimiter = delimiter[0];
  ARROW_RETURN_NOT_OK(read_text(node, "encoding", dataset.csv_encoding));
  if (const Node* at = node.find("encoding"))
    ARROW_RETURN_NOT_OK(
        one_of(*at, dataset.csv_encoding, {"utf-8", "utf-16le", "utf-16be", "windows-1252", "latin-1"}));
  ARROW_RETURN_NOT_OK(read_text(node, "header", header));
  if (const Node* at = node.find("header")) ARROW_RETURN_NOT_OK(one_of(*at, header, {"true", "false"}));
  dataset.csv_header = header == "true";
  ARROW_ASSIGN_OR_RAISE(const Node* columns, node.need("columns"));
  return read_mapping(*columns, dataset);
}

/// Words that feed_words() reads again: they are right, or their place is told.
Status check_words(const Node& root, Dataset& dataset) {
  for (auto [key, first, second] : {std::tuple{"floats", "exact", "round"}, {"prices", "as_traded", "split_adjusted"}})
    if (const Node* at = root.find(key)) ARROW_RETURN_NOT_OK(one_of(*at, at->text, {first, second}));
  if (const Node* mapping = root.find("field_mapping")) return read_mapping(*mapping, dataset);
  return Status::OK();
}

/// Names in key, sort and partitions must be columns (or year, month, date of the session).
Status check_names(const Node& root, const char* key, const std::vector<std::string>& names, const Dataset& dataset,
                   bool derived) {
  std::vector<std::string> known;
  for (const auto& column : dataset.columns) known.push_back(column.name);
  if (derived) known.insert(known.end(), {"year", "month", "date"});
  for (const auto& name : names)
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      std::string near = nearest(name, known);
      return root.find(key)->error(fmt::format("{}: \"{}\" is no column", key, name),
                                   near.empty() ? "" : fmt::format("did you mean \"{}\"?", near));
    }
  return Status::OK();
}

std::vector<std::string> words_in(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

Status read_dataset(const Node& root, Dataset& dataset) {
  constexpr std::string_view known =
      "schema_version table title source calendar currency exchange session key available bar partitions sort landing "
      "silver silver_nulls columns csv checks retention row_group_rows part_rows compression_level floats prices "
      "records "
      "field_mapping";
  ARROW_RETURN_NOT_OK(root.only(words_in(known)));
  ARROW_RETURN_NOT_OK(read_text(root, "table", dataset.table, true));
  if (dataset.table.empty() ||
      dataset.table.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != std::string::npos)
    return root.find("table")->error("a table's name is lower-case letters, digits and _");
  ARROW_RETURN_NOT_OK(read_text(root, "title", dataset.title));
  ARROW_RETURN_NOT_OK(read_text(root, "source", dataset.source, true));
  ARROW_RETURN_NOT_OK(one_of(*root.find("source"), dataset.source, source_names()));
  ARROW_RETURN_NOT_OK(read_text(root, "calendar", dataset.calendar_name, true));
  auto calendar = Calendar::load(dataset.calendar_name);
  if (!calendar.ok()) return root.find("calendar")->error(calendar.status().message());
  dataset.calendar = *calendar;
  ARROW_RETURN_NOT_OK(read_text(root, "currency", dataset.currency));
  ARROW_RETURN_NOT_OK(read_text(root, "exchange", dataset.exchange));
  ARROW_RETURN_NOT_OK(read_text(root, "schema_version", dataset.schema_version));
  ARROW_RETURN_NOT_OK(read_names(root, "key", dataset.key));
  ARROW_RETURN_NOT_OK(read_names(root, "partitions", dataset.partitions));
  ARROW_RETURN_NOT_OK(read_names(root, "sort", dataset.sort));
  if (dataset.key.empty())
    return root.error("\"key\" is missing", "name the columns that make a row unique: key: [instrument_id, session]");
  if (dataset.sort.empty()) dataset.sort = dataset.key;
  if (const Node* session = root.find("session")) {
    ARROW_RETURN_NOT_OK(session->only({"from", "column"}));
    std::string from = "column";
    ARROW_RETURN_NOT_OK(read_text(*session, "from", from));
    if (const Node* node = session->find("from")) ARROW_RETURN_NOT_OK(one_of(*node, from, {"column", "file_name"}));
    dataset.session_from_file_name = from == "file_name";
    ARROW_RETURN_NOT_OK(read_text(*session, "column", dataset.session_column));
  }
  ARROW_RETURN_NOT_OK(read_available(root, dataset));
  dataset.bar = kDay;
  if (const Node* bar = root.find("bar")) {
    auto parsed = parse_duration(bar->text);
    if (!parsed.ok()) return bar->error(parsed.status().message());
    dataset.bar = *parsed;
  }
  std::string landing = "copy", silver = "view";
  ARROW_RETURN_NOT_OK(read_text(root, "landing", landing));
  if (const Node* node = root.find("landing")) ARROW_RETURN_NOT_OK(one_of(*node, landing, {"copy", "reference"}));
  ARROW_RETURN_NOT_OK(read_text(root, "silver", silver));
  if (const Node* node = root.find("silver")) ARROW_RETURN_NOT_OK(one_of(*node, silver, {"view", "copy"}));
  dataset.landing_copy = landing == "copy";
  dataset.silver_is_view = silver == "view";
  ARROW_ASSIGN_OR_RAISE(const Node* columns, root.need("columns"));
  for (const auto& [name, body] : columns->members) {
    ARROW_ASSIGN_OR_RAISE(Column column, read_column(name, body));
    dataset.columns.push_back(std::move(column));
  }
  if (dataset.column(dataset.session_column) == nullptr || dataset.column(dataset.session_column)->kind != Kind::date)
    return columns->error(fmt::format("there must be a column {} of type date", dataset.session_column));
  ARROW_RETURN_NOT_OK(check_names(root, "key", dataset.key, dataset, false));
  if (root.find("sort") != nullptr) ARROW_RETURN_NOT_OK(check_names(root, "sort", dataset.sort, dataset, false));
  if (root.find("partitions") != nullptr)
    ARROW_RETURN_NOT_OK(check_names(root, "partitions", dataset.partitions, dataset, true));
  if (const Node* rules = root.find("silver_nulls")) {
    for (const Node& item : rules->items) {
      ARROW_RETURN_NOT_OK(item.only({"columns", "when"}));
      Dataset::NullRule rule;
      ARROW_RETURN_NOT_OK(read_names(item, "columns", rule.columns));
      ARROW_RETURN_NOT_OK(read_text(item, "when", rule.when, true));
      for (const auto& column : rule.columns)
        if (dataset.column(column) == nullptr) return item.error(fmt::format("\"{}\" is no column", column));
      dataset.silver_nulls.push_back(std::move(rule));
    }
    if (dataset.silver_is_view) return rules->error("silver_nulls needs silver: copy");
  }
  ARROW_RETURN_NOT_OK(check_words(root, dataset));
  if (const Node* csv = root.find("csv")) ARROW_RETURN_NOT_OK(read_csv(*csv, dataset));
  if (dataset.source == "csv" && dataset.csv.empty()) return root.error("source: csv needs a csv: mapping of columns");
  if (const Node* checks = root.find("checks"))
    for (const Node& item : checks->items) {
      ARROW_ASSIGN_OR_RAISE(CheckSpec check, read_check(item));
      dataset.checks.push_back(std::move(check));
    }
  if (const Node* retention = root.find("retention")) {
    ARROW_RETURN_NOT_OK(retention->only({"bronze", "silver"}));
    ARROW_RETURN_NOT_OK(read_text(*retention, "bronze", dataset.bronze_retention));
    ARROW_RETURN_NOT_OK(read_text(*retention, "silver", dataset.silver_retention));
  }
  if (const Node* node = root.find("row_group_rows"))
    ARROW_RETURN_NOT_OK(node->as_integer().Value(&dataset.row_group_rows));
  if (const Node* node = root.find("part_rows")) ARROW_RETURN_NOT_OK(node->as_integer().Value(&dataset.part_rows));
  if (const Node* node = root.find("compression_level")) {
    ARROW_ASSIGN_OR_RAISE(std::int64_t level, node->as_integer());
    dataset.compression_level = static_cast<int>(level);
  }
  if (dataset.row_group_rows < 1 || dataset.part_rows < 1 || dataset.compression_level < 1 ||
      dataset.compression_level > 22)
    return root.error("row_group_rows and part_rows are 1 at least, compression_level 1 to 22");
  return Status::OK();
}

}  // namespace

std::vector<std::string> source_names() {
  return {"nse_bhavcopy", "polygon_flat", "snapshots_52", "csv", "json", "corporate_actions", "nse_index"};
}

std::shared_ptr<arrow::DataType> Column::type() const {
  switch (kind) {
    case Kind::boolean: return arrow::boolean();
    case Kind::int32: return arrow::int32();
    case Kind::int64: return arrow::int64();
    case Kind::float64: return arrow::float64();
    case Kind::decimal: return arrow::decimal64(18, scale);
    case Kind::string: return arrow::utf8();
    case Kind::date: return arrow::date32();
    case Kind::timestamp: return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  }
  return arrow::null();
}

const Column* Dataset::column(std::string_view name) const {
  for (const auto& column : columns)
    if (column.name == name) return &column;
  return nullptr;
}
std::shared_ptr<arrow::Schema> Dataset::schema() const {
  arrow::FieldVector fields;
  for (const auto& one : columns) fields.push_back(arrow::field(one.name, one.type(), !one.null_refused));
  if (column("available_at") == nullptr)
    fields.push_back(arrow::field("available_at", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), false));
  return arrow::schema(fields);
}

namespace {
// "calendar: nyse" at the start of a line; empty where the file has none.
std::string top_value(const std::string& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != ':') continue;
    std::string value = line.substr(key.size() + 1);
    value = value.substr(0, value.find(" #"));
    const auto first = value.find_first_not_of(" \t\"'"), last = value.find_last_not_of(" \t\r\"'");
    return first == std::string::npos ? "" : value.substr(first, last - first + 1);
  }
  return {};
}
}  // namespace

std::string value_of_dataset(const std::string& name, std::string_view key) {
  std::error_code ignored;
  const std::string path = "datasets/" + name + ".yaml";
  return top_value(fs::exists(path, ignored) ? path : share_folder() + "/" + path, key);
}

Zone zone_of_dataset(const std::string& name) {
  std::error_code ignored;
  std::string path = "datasets/" + name + ".yaml";
  if (!fs::exists(path, ignored)) path = share_folder() + "/" + path;
  if (!fs::exists(path, ignored)) return Zone::utc();
  const std::string calendar = top_value(path, "calendar");
  const std::string zone = top_value(share_folder() + "/calendars/" + calendar + ".yaml", "zone");
  if (auto found = Zone::named(zone); !zone.empty() && found.ok()) return *found;
  auto dataset = load_dataset(name);  // written in another form of YAML
  return dataset.ok() ? dataset->calendar->zone() : Zone::utc();
}

Result<Dataset> load_dataset(const std::string& name_or_path) {
  std::string path = name_or_path;
  if (!path.ends_with(".yaml")) {
    std::error_code ignored;
    path = "datasets/" + name_or_path + ".yaml";
    if (!fs::exists(path, ignored)) path = share_folder() + "/" + path;
    if (!fs::exists(path, ignored)) {
      std::string near = nearest(name_or_path, dataset_names()), all;
      for (const auto& name : dataset_names()) all += (all.empty() ? "" : ", ") + name;
      return usage_error(fmt::format("unknown data set \"{}\"", name_or_path),
                         (near.empty() ? "" : fmt::format("did you mean \"{}\"? ", near)) + "data sets: " + all +
                             "; or give the path of a spec that ends in .yaml");
    }
  }
  ARROW_ASSIGN_OR_RAISE(std::string text, read_file(path));
  return parse_dataset(std::move(text), path);
}

Result<Dataset> parse_dataset(std::string text, const std::string& where) {
  Dataset dataset;
  dataset.path = where;
  dataset.text = text;
  ARROW_ASSIGN_OR_RAISE(Document document, Document::parse_yaml(std::move(text), where));
  ARROW_RETURN_NOT_OK(read_dataset(document.root(), dataset));
  return dataset;
}

std::vector<std::string> dataset_names() {
  std::vector<std::string> names;
  for (const std::string& folder : {std::string("datasets"), share_folder() + "/datasets"}) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored))
      if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace tapemill
