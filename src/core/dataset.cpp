#include "core/dataset.h"

#include <arrow/type.h>

#include <algorithm>
#include <filesystem>

#include "core/avro_schema.h"
#include "core/base64.h"
#include "core/config.h"
#include "core/document.h"
#include "core/feed_words.h"
#include "core/json.h"
#include "core/paths.h"
#include "core/read_check.h"
#include "core/read_column.h"

namespace fs = std::filesystem;
namespace tapemill {
namespace {

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

/// 1.2.0 or v1.2.0.
bool is_version(std::string_view text) {
  if (text.starts_with("v")) text.remove_prefix(1);
  int numbers = 0;
  for (bool more = true; more; ++numbers) {
    const std::string_view one = text.substr(0, text.find('.'));
    if (one.empty() || one.size() > 9 || one.find_first_not_of("0123456789") != std::string_view::npos) return false;
    more = one.size() < text.size();
    text.remove_prefix(std::min(one.size() + 1, text.size()));
  }
  return numbers == 3;
}

/// No two columns were one before: both would take its rows.
Status check_aliases(const Node& columns, const Dataset& dataset) {
  for (auto one = dataset.columns.begin(); one != dataset.columns.end(); ++one)
    for (const std::string& alias : one->aliases)
      for (auto other = dataset.columns.begin(); other != one; ++other) {
        if (std::find(other->aliases.begin(), other->aliases.end(), alias) == other->aliases.end()) continue;
        const Node* body = columns.find(one->name);
        const Node* place = body == nullptr ? nullptr : body->find("aliases");
        return (place == nullptr ? columns : *place)
            .error(fmt::format("\"{}\" is an alias of \"{}\" and of \"{}\"", alias, other->name, one->name),
                   "a column of before has one name now: leave the alias at one of them");
      }
  return Status::OK();
}

/// schema: FILE.avsc, beside the spec, or the Avro record itself. The spec's text is kept with the record in it: what a lake
/// keeps of it needs no other file.
Status read_schema(const Node& node, Dataset& dataset) {
  auto take = [&](const Node& record) -> Status {
    ARROW_ASSIGN_OR_RAISE(const AvroType type, read_avro(record));
    ARROW_ASSIGN_OR_RAISE(dataset.columns, columns_of_avro(type));
    if (dataset.schema_version.empty()) return read_text(record, "schema_version", dataset.schema_version);
    return Status::OK();
  };
  if (!node.is_scalar()) return take(node);
  const std::string path = (fs::path(dataset.path).parent_path() / node.text).string();
  auto text = read_file(path);
  if (!text.ok())
    return node.error(fmt::format("{}: {}", node.text, text.status().message()),
                      "schema: names an Avro schema (.avsc), beside the spec or by its whole path");
  ARROW_ASSIGN_OR_RAISE(const Document document, Document::parse_json(*std::move(text), path));
  ARROW_RETURN_NOT_OK(take(document.root()));
  std::size_t begin = 0;
  for (int line = 1; line < node.line; ++line) begin = dataset.text.find('\n', begin) + 1;
  const std::size_t end = std::min(dataset.text.find('\n', begin), dataset.text.size());
  dataset.text.replace(begin, end - begin, "schema: " + document.root().json().dump());
  return Status::OK();
}

/// protobuf: {descriptor: FILE, message: NAME}. The spec's text is kept with the descriptor in it, as base64.
Status read_protobuf(const Node& node, Dataset& dataset) {
  ARROW_RETURN_NOT_OK(node.only({"descriptor", "message"}));
  ARROW_RETURN_NOT_OK(node.need("message").status());
  ARROW_ASSIGN_OR_RAISE(const Node* named, node.need("descriptor"));
  if (named->text.starts_with(kInline)) return Status::OK();
  auto bytes = read_file((fs::path(dataset.path).parent_path() / named->text).string());
  if (!bytes.ok())
    return named->error(fmt::format("{}: {}", named->text, bytes.status().message()),
                        "protoc --include_imports --descriptor_set_out=FILE makes a descriptor set");
  if (bytes->size() > 1 << 20) return named->error("a descriptor set of over 1 MB", "leave out what no message needs");
  std::size_t begin = 0;
  for (int line = 1; line < named->line; ++line) begin = dataset.text.find('\n', begin) + 1;
  begin = dataset.text.find(named->text, begin + static_cast<std::size_t>(named->column) - 1);
  if (begin != std::string::npos)
    dataset.text.replace(begin, named->text.size(), std::string(kInline) + base64(*bytes));
  return Status::OK();
}

Status read_dataset(const Node& root, Dataset& dataset) {
  constexpr std::string_view known =
      "schema_version table title source calendar currency exchange session key available bar partitions sort landing "
      "silver silver_nulls columns csv checks retention row_group_rows part_rows compression_level floats prices "
      "records "
      "field_mapping schema protobuf";
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
  if (const Node* schema = root.find("schema")) ARROW_RETURN_NOT_OK(read_schema(*schema, dataset));
  const Node* columns = root.find("columns");
  if (columns == nullptr && root.find("schema") == nullptr) return root.need("columns").status();
  if (columns == nullptr) columns = root.find("schema");
  else
    for (const auto& [name, body] : columns->members) {
      ARROW_ASSIGN_OR_RAISE(Column column, read_column(name, body));
      if (dataset.column(column.name) != nullptr)
        return name.error(fmt::format("the schema has a column \"{}\" already", column.name));
      dataset.columns.push_back(std::move(column));
    }
  ARROW_RETURN_NOT_OK(check_aliases(*columns, dataset));
  const Column* time = dataset.column("time");
  dataset.intraday = dataset.bar != kDay
                         ? dataset.bar > 0 && dataset.bar < kDay
                         : root.find("bar") == nullptr && time != nullptr && time->kind == Kind::timestamp &&
                               std::find(dataset.key.begin(), dataset.key.end(), "time") != dataset.key.end();
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
  if (!dataset.schema_version.empty() && !is_version(dataset.schema_version))
    return (root.find("schema_version") != nullptr ? root.find("schema_version") : root.find("schema"))
        ->error(fmt::format("schema_version \"{}\" is not like 1.2.0", dataset.schema_version),
                "the first number rises with another table, the second with further columns");
  ARROW_RETURN_NOT_OK(check_words(root, dataset));
  if (const Node* protobuf = root.find("protobuf")) ARROW_RETURN_NOT_OK(read_protobuf(*protobuf, dataset));
  else if (dataset.source == "protobuf")
    return root.error("source: protobuf needs protobuf: {descriptor: FILE, message: NAME}");
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
  return {"nse_bhavcopy", "polygon_flat", "snapshots_52",      "csv",      "json",
          "avro",         "protobuf",     "corporate_actions", "nse_index"};
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
