#include "lake/sql_views.h"

#include <arrow/type.h>
#include <arrow/type_traits.h>

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "lake/about.h"
#include "lake/damage.h"
#include "lake/evolve.h"
#include "lake/files.h"
#include "lake/index_views.h"
#include "lake/partition.h"
#include "lake/schema.h"
#include "lake/sql_tokens.h"
#include "lake/storage.h"

namespace tapemill::lake {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::string sql_type(const arrow::DataType& type) {
  std::string delta = delta_type(type);
  if (delta == "string") return "VARCHAR";
  if (delta == "long") return "BIGINT";
  if (delta == "short") return "SMALLINT";
  if (delta == "byte") return "TINYINT";
  if (delta == "binary") return "BLOB";
  if (delta == "timestamp") return "TIMESTAMPTZ";
  return delta;  // boolean, integer, float, double, date, decimal(p,s) are called the same
}

// The text of partition `place` of `count` in a part's path, from the path's end: what lies above the table is nobody's
// partition. It is a constant per file, so that DuckDB leaves out files by it before it opens them.
std::string folder_value(const std::string& file, const std::string& column, std::size_t place, std::size_t count,
                         const arrow::DataType& type) {
  std::string key;
  for (char c : hive_escape(column)) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_') key += '\\';
    key += c;
  }
  const std::string pattern = fmt::format("/{}=([^/]*)(?:/[^/]*){{{}}}$", key, count - place);
  std::string text = fmt::format("regexp_extract({}, {}, 1)", quote_name(file), quote_text(pattern));
  text = fmt::format("nullif({}, {})", text, quote_text(kHiveNull));
  if (sql_type(type) == "VARCHAR") return "url_decode(" + text + ")";
  return "CAST(" + text + " AS " + sql_type(type) + ")";
}

// Whether folder_value() finds what the log says: the path is one folder a partition, in their order, and the file.
bool folder_says_partition(const Part& part, const Snapshot& snapshot) {
  std::string_view rest = part.path;
  for (const std::string& column : snapshot.partitions) {
    auto own = part.partition.find(column);
    if (own == part.partition.end()) return false;
    const std::string_view folder = rest.substr(0, rest.find('/'));
    if (folder.size() == rest.size()) return false;
    rest.remove_prefix(folder.size() + 1);
    const std::string key = hive_escape(column) + "=", &text = own->second;
    const bool number = arrow::is_integer(snapshot.schema->GetFieldByName(column)->type()->id());
    if (folder != key + (text.empty() ? kHiveNull : hive_escape(text)) && !(number && folder == key + "0" + text))
      return false;
  }
  return rest.find('/') == std::string_view::npos;
}

std::string list_of(const std::vector<std::string>& paths) {
  std::string out;
  for (const std::string& path : paths) out += (out.empty() ? "[" : ", ") + quote_text(path);
  return out + "]";
}

// SELECT of a table's parts. Partition columns come from the folders below the table, or, where another engine named them
// otherwise, as constants.
Result<std::string> select_of(const Table& table, const Snapshot& snapshot, std::vector<std::string>& files) {
  std::string names, empty, file = "filename";  // only by this name DuckDB leaves out files
  for (const auto& field : snapshot.schema->fields()) {
    if (lower(field->name()) == "filename") file = "filename of the part";
  }
  for (const auto& field : snapshot.schema->fields()) {
    const std::string comma = names.empty() ? "" : ", ", name = quote_name(field->name());
    auto place = std::find(snapshot.partitions.begin(), snapshot.partitions.end(), field->name());
    names += comma;
    if (place != snapshot.partitions.end())
      names += folder_value(file, field->name(), static_cast<std::size_t>(place - snapshot.partitions.begin()),
                            snapshot.partitions.size(), *field->type()) +
               " AS ";
    names += name;
    empty += comma + "CAST(NULL AS " + sql_type(*field->type()) + ") AS " + name;
  }
  // Parts from before a column was added lack it: they are read by name, beside no row that has every column.
  std::string every;
  for (const auto& field : snapshot.schema->fields())
    if (std::find(snapshot.partitions.begin(), snapshot.partitions.end(), field->name()) == snapshot.partitions.end())
      every += (every.empty() ? "" : ", ") +
               ("CAST(NULL AS " + sql_type(*field->type()) + ") AS " + quote_name(field->name()));
  auto mixed = snapshot.configuration.find(kMixed);
  const bool by_name = mixed != snapshot.configuration.end() && mixed->second == "true";
  const auto read = [&](const std::vector<std::string>& paths, const std::string& with) {
    const std::string parts = "read_parquet(" + list_of(paths) + ", hive_partitioning = false" + with;
    if (!by_name) return parts + ")";
    return "(SELECT * FROM " + parts + ", union_by_name = true) UNION ALL BY NAME SELECT " + every + " WHERE false)";
  };
  std::vector<std::string> plain, selects, wanted;
  for (const Part& part : snapshot.parts)
    if (part.rows != 0) wanted.push_back(table.path() + "/" + part.path);
  ARROW_RETURN_NOT_OK(storage_of(table.path()).fetch(wanted));
  bool gone = false;
  Status resized;
  for (const Part& part : snapshot.parts) {
    if (part.rows == 0) continue;
    ARROW_ASSIGN_OR_RAISE(const std::string path, local_file(table.path() + "/" + part.path));
    // The engine reads what lies there; that it is the part of the log is for us to see. (What is gone is named by others.)
    struct stat there{};
    if (::stat(path.c_str(), &there) != 0) gone = true;
    else if (there.st_size != part.size && resized.ok())
      resized =
          damaged(table.path() + "/" + part.path, fmt::format("{} bytes, the log says {}", there.st_size, part.size));
    files.push_back(path);
    if (folder_says_partition(part, snapshot)) {
      plain.push_back(path);
      continue;
    }
    std::string columns;
    for (const auto& field : snapshot.schema->fields()) {
      auto own = part.partition.find(field->name());
      const std::string name = quote_name(field->name());
      columns += columns.empty() ? "" : ", ";
      if (own == part.partition.end()) columns += name;
      else
        columns += "CAST(" + (own->second.empty() ? "NULL" : quote_text(own->second)) + " AS " +
                   sql_type(*field->type()) + ") AS " + name;
    }
    selects.push_back("SELECT " + columns + " FROM " + read({path}, ""));
  }
  if (!gone) ARROW_RETURN_NOT_OK(resized);
  if (!plain.empty()) {
    const std::string with = snapshot.partitions.empty() ? "" : ", filename = " + quote_text(file);
    selects.insert(selects.begin(), "SELECT " + names + " FROM " + read(plain, with));
  }
  if (selects.empty()) return "SELECT " + empty + " WHERE false";
  std::string out;
  for (const std::string& one : selects) out += (out.empty() ? "" : " UNION ALL ") + one;
  return out;
}

class Builder {
 public:
  Builder(const Lake& lake, const SqlOptions& options) : lake_(lake), options_(options) {}

  Status view(const TableName& name, std::optional<std::int64_t> version, const std::string& schema) {
    if (!made_.insert(schema + "." + name.table).second) return Status::OK();
    const Layer layer = name.layer == Layer::silver && lake_.silver_is_view(name.table) ? Layer::bronze : name.layer;
    const Table table = lake_.table(layer, name.table);
    auto snapshot = table.snapshot(version);
    if (!snapshot.ok()) return prefixed(snapshot.status(), name.str());
    if (schemas_.insert(schema).second) out_.setup.push_back("CREATE SCHEMA IF NOT EXISTS " + quote_name(schema));
    ARROW_ASSIGN_OR_RAISE(const std::string select, select_of(table, *snapshot, out_.files));
    out_.setup.push_back("CREATE VIEW " + quote_name(schema) + "." + quote_name(name.table) + " AS " + select);
    out_.tables.emplace_back(table, *std::move(snapshot));
    return Status::OK();
  }

  /// A view of one of kIndexes over a view that is made already; nothing where its rows have not what that takes.
  void index(const TableName& name, const std::string& schema) {
    auto dataset = dataset_of(lake_, name.table);
    if (!dataset.ok()) return;
    const std::string from = quote_name(lake::name(name.layer)) + "." + quote_name(name.table);
    const auto select = index_select(schema, *dataset, from);
    if (!select) return;
    out_.setup.push_back("CREATE SCHEMA IF NOT EXISTS " + quote_name(schema));
    out_.setup.push_back("CREATE VIEW " + quote_name(schema) + "." + quote_name(name.table) + " AS " + *select);
  }

  std::optional<std::int64_t> chosen_version(const TableName& name) const {
    for (const std::string& key : {name.str(), name.layer == Layer::silver ? name.table : std::string()}) {
      auto it = options_.versions.find(key);
      if (it != options_.versions.end()) return it->second;
    }
    return std::nullopt;
  }
  SqlViews& out() { return out_; }

 private:
  const Lake& lake_;
  const SqlOptions& options_;
  std::set<std::string> made_, schemas_;
  SqlViews out_;
};

// The version an AT clause means, when the tokens from `at` on are one: AT ( VERSION => n ) or AT ( TIMESTAMP => '...' ).
struct AtClause {
  std::size_t tokens = 0;  // 0: none
  std::optional<std::int64_t> version;
  std::string instant;
};
AtClause at_clause(const std::vector<SqlToken>& tokens, std::size_t at) {
  auto is = [&](std::size_t i, std::string_view word) { return i < tokens.size() && tokens[i].is(word); };
  if (!is(at, "at") || !is(at + 1, "(") || !is(at + 3, "=>")) return {};
  AtClause clause;
  if (is(at + 2, "version") && at + 4 < tokens.size() && tokens[at + 4].kind == SqlToken::Kind::number &&
      is(at + 5, ")")) {
    const std::string& text = tokens[at + 4].value;
    std::int64_t version = 0;
    auto read = std::from_chars(text.data(), text.data() + text.size(), version);
    if (read.ec != std::errc{} || read.ptr != text.data() + text.size()) return {};
    clause.version = version;
    clause.tokens = 6;
  } else if (is(at + 2, "timestamp")) {
    std::size_t value = at + 4;
    if (is(value, "timestamp") || is(value, "timestamptz") || is(value, "date")) ++value;
    if (value >= tokens.size() || tokens[value].kind != SqlToken::Kind::text || !is(value + 1, ")")) return {};
    clause.instant = tokens[value].value;
    clause.tokens = value + 2 - at;
  }
  return clause;
}

Result<std::int64_t> version_at(const Table& table, const std::string& text) {
  ARROW_ASSIGN_OR_RAISE(Instant instant, Instant::parse(text));
  ARROW_ASSIGN_OR_RAISE(auto commits, table.history());
  for (const Commit& commit : commits) {  // newest first
    if (commit.timestamp_ms <= instant.us / 1000) return commit.version;
  }
  return data_error(fmt::format("{} was not there yet at {}", table.name().str(), instant.str()));
}

bool is_name(const SqlToken& token) {
  return token.kind == SqlToken::Kind::name || token.kind == SqlToken::Kind::quoted_name;
}

// Rewrites each `name AT (...)` to a view in a schema of its own, so that the table keeps its name for `name.column`.
Status rewrite_travel(const Lake& lake, const std::vector<SqlToken>& tokens, const std::string& sql, Builder& builder) {
  std::string out;
  std::size_t copied = 0;
  for (std::size_t i = 1; i < tokens.size(); ++i) {
    const AtClause clause = at_clause(tokens, i);
    if (clause.tokens == 0 || !is_name(tokens[i - 1])) continue;
    std::size_t first = i - 1;
    std::string text = tokens[i - 1].value;
    if (i >= 3 && tokens[i - 2].is(".") && is_name(tokens[i - 3]))
      first = i - 3, text = tokens[first].value + "." + text;
    ARROW_ASSIGN_OR_RAISE(TableName name, TableName::parse(lower(text)));
    const Layer layer = name.layer == Layer::silver && lake.silver_is_view(name.table) ? Layer::bronze : name.layer;
    const Table table = lake.table(layer, name.table);
    if (!table.exists())
      return usage_error(fmt::format("there is no table {}", text), "tables: " + tables_there_are(lake));
    std::int64_t version = clause.version.value_or(0);
    if (!clause.version) { ARROW_ASSIGN_OR_RAISE(version, version_at(table, clause.instant)); }
    const std::string schema = fmt::format("{}@{}", lake::name(name.layer), version);
    ARROW_RETURN_NOT_OK(builder.view(name, version, schema));
    out += sql.substr(copied, tokens[first].begin - copied) + quote_name(schema) + "." + quote_name(name.table);
    copied = tokens[i + clause.tokens - 1].end;
    i += clause.tokens - 1;
  }
  builder.out().sql = out + sql.substr(copied);
  return Status::OK();
}

}  // namespace

std::string tables_there_are(const Lake& lake) {
  auto tables = lake.tables();
  std::string out;
  if (!tables.ok()) return out;
  for (const TableName& name : *tables)
    out += (out.empty() ? "" : ", ") + (name.layer == Layer::silver ? name.table : name.str());
  return out.empty() ? "none yet" : out;
}

Result<SqlViews> sql_views(const Lake& lake, const std::string& sql, const SqlOptions& options) {
  const auto tokens = sql_tokens(sql);
  Builder builder(lake, options);
  ARROW_RETURN_NOT_OK(rewrite_travel(lake, tokens, sql, builder));

  std::set<std::string> words;
  bool all = false;
  for (const SqlToken& token : tokens) {
    words.insert(lower(token.value));
    all = all || token.is("show") || lower(token.value).find("information_schema") != std::string::npos ||
          lower(token.value).starts_with("duckdb_") || lower(token.value).starts_with("pg_") ||
          lower(token.value).starts_with("query");
  }
  ARROW_ASSIGN_OR_RAISE(auto tables, lake.tables());
  for (const TableName& name : tables) {
    if (!all && !words.contains(lower(name.table))) continue;
    ARROW_RETURN_NOT_OK(builder.view(name, builder.chosen_version(name), lake::name(name.layer)));
    const char* alias = name.layer == Layer::bronze   ? "raw"
                        : name.layer == Layer::silver ? "normalized"
                        : name.layer == Layer::gold   ? "features"
                                                      : "";
    if (words.contains(alias)) ARROW_RETURN_NOT_OK(builder.view(name, builder.chosen_version(name), alias));
    if (name.layer != Layer::silver) continue;
    for (const char* index : kIndexes)
      if (words.contains(index)) builder.index(name, index);
  }
  return std::move(builder.out());
}

}  // namespace tapemill::lake
