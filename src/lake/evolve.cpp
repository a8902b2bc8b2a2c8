// What a spec changes in a table's columns, and whether it may. evolve_parts.cpp does it.
#include "lake/evolve.h"

#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "core/json.h"
#include "core/text.h"
#include "lake/schema.h"

namespace tapemill::lake {
namespace {

using Kind = ColumnChange::Kind;

std::string noted(const arrow::Field& field, const char* key) {
  if (field.metadata() == nullptr) return {};
  auto value = field.metadata()->Get(key);
  return value.ok() ? *value : std::string{};
}

std::set<std::string> words(const std::string& list) {
  std::set<std::string> out;
  for (std::size_t at = 0; at < list.size();) {
    const std::size_t end = std::min(list.find(',', at), list.size());
    out.insert(list.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

/// 1.2.0, with or without a v before it.
std::optional<std::array<int, 3>> numbers_of(const std::string& version) {
  std::array<int, 3> out{};
  const char *at = version.data() + (version.starts_with("v") ? 1 : 0), *end = version.data() + version.size();
  for (std::size_t i = 0; i < 3; ++i) {
    const auto read = std::from_chars(at, end, out[i]);
    const bool last = i == 2;
    if (read.ec != std::errc{} || out[i] < 0 || (last ? read.ptr != end : read.ptr == end || *read.ptr != '.'))
      return std::nullopt;
    at = read.ptr + (last ? 0 : 1);
  }
  return out;
}

/// Whether no row of the table is null there, as far as the log's statistics say so of every part.
bool never_null(const Snapshot& snapshot, const std::string& column) {
  return std::all_of(snapshot.parts.begin(), snapshot.parts.end(), [&](const Part& part) {
    if (part.rows == 0) return true;
    if (auto own = part.partition.find(column); own != part.partition.end()) return !own->second.empty();
    const Json stats = Json::parse(part.stats, nullptr, false);
    return stats.is_object() && stats.contains("nullCount") && stats["nullCount"].value(column, std::int64_t{-1}) == 0;
  });
}

class Comparison {
 public:
  Comparison(const Table& table, const Snapshot& snapshot, const Dataset& dataset)
      : table_(table), snapshot_(snapshot), dataset_(dataset), wanted_(described(dataset)) {}

  Evolution run() {
    begin();
    for (const auto& field : wanted_->fields()) compare(*field);
    for (const auto& field : snapshot_.schema->fields()) find_removed(field->name());
    if (snapshot_.partitions != dataset_.partitions)
      forbid(Kind::partitions, {},
             fmt::format("{} is partitioned by {}, the spec says {}", name(), listed(snapshot_.partitions),
                         listed(dataset_.partitions)),
             "give the data set another name, or " + anew());
    if (out_.changes.empty()) find_order();
    find_version();
    return std::move(out_);
  }

 private:
  std::string name() const { return table_.name().str(); }
  static std::string listed(const std::vector<std::string>& names) {
    return names.empty() ? "nothing" : fmt::format("{}", fmt::join(names, ", "));
  }
  std::string anew() const {
    return fmt::format("delete the folder {} and run tapemill rebuild {} (landing keeps the files)", table_.path(),
                       dataset_.table);
  }
  std::string next_table() const { return dataset_.table + "_v2"; }
  void allow(Kind kind, const std::string& column, std::string what, bool rewrites = false, std::string was = {}) {
    out_.changes.push_back({kind, column, std::move(was), true, rewrites && snapshot_.rows() > 0, std::move(what), {}});
  }
  void forbid(Kind kind, const std::string& column, std::string what, std::string hint) {
    out_.changes.push_back({kind, column, {}, false, false, std::move(what), std::move(hint)});
  }

  void begin() {
    auto value = [&](const char* key) {
      auto found = snapshot_.configuration.find(key);
      return found == snapshot_.configuration.end() ? std::string() : found->second;
    };
    out_.from_version = value(kSchemaVersion);
    out_.to_version = dataset_.schema_version;
    const std::string number = value(kSchemaNumber);
    std::from_chars(number.data(), number.data() + number.size(), out_.number);
  }

  void compare(const arrow::Field& field) {
    const Column* column = dataset_.column(field.name());
    auto before = snapshot_.schema->GetFieldByName(field.name());
    if (before == nullptr && column != nullptr) before = renamed(field, *column);
    if (before == nullptr) return added(field, column);
    if (!before->type()->Equals(field.type())) return other_type(*before, field);
    compare_rules(*before, field);
  }

  std::shared_ptr<arrow::Field> renamed(const arrow::Field& field, const Column& column) {
    for (const std::string& alias : column.aliases) {
      auto before = snapshot_.schema->GetFieldByName(alias);
      if (before == nullptr || wanted_->GetFieldByName(alias) != nullptr || taken_.contains(alias)) continue;
      taken_.insert(alias);
      const auto& folders = snapshot_.partitions;
      if (std::find(folders.begin(), folders.end(), alias) != folders.end())
        forbid(Kind::renamed, field.name(),
               fmt::format("{}: column \"{}\" is called \"{}\" in the spec, and the table's folders are named by it",
                           name(), alias, field.name()),
               "a partition keeps its name; or " + anew());
      else allow(Kind::renamed, field.name(), fmt::format("{} is called {} now", alias, field.name()), true, alias);
      return before;
    }
    return nullptr;
  }

  void added(const arrow::Field& field, const Column* column) {
    const bool filled = column != nullptr && column->fallback.has_value();
    if (!field.nullable() && !filled && snapshot_.rows() > 0)
      return forbid(
          Kind::added, field.name(),
          fmt::format("{}: the new column \"{}\" ({}) refuses nulls, and the {} {} that are in have none", name(),
                      field.name(), delta_type(*field.type()), snapshot_.rows(), plural(snapshot_.rows(), "row")),
          fmt::format("give it a default: for them, or let it be null (leave null: refuse out)"));
    allow(Kind::added, field.name(),
          fmt::format("{} {} is new; rows of before {}", field.name(), delta_type(*field.type()),
                      filled ? fmt::format("get {}", *column->fallback) : "are null"),
          filled);
  }

  void other_type(const arrow::Field& before, const arrow::Field& field) {
    const std::string was = delta_type(*before.type()), now = delta_type(*field.type());
    if (before.type()->id() == arrow::Type::INT32 && field.type()->id() == arrow::Type::INT64)
      return allow(Kind::widened, field.name(), fmt::format("{} is widened from {} to {}", field.name(), was, now),
                   true);
    const bool scale = was.starts_with("decimal") && now.starts_with("decimal");
    forbid(scale ? Kind::scale : Kind::type, field.name(),
           fmt::format("{}: column \"{}\" is {} in the table and {} in the spec", name(), field.name(), was, now),
           fmt::format("a {} may not change: name the column otherwise, give the data set another table (table: {}), "
                       "or {}",
                       scale ? "scale" : "type", next_table(), anew()));
  }

  void compare_rules(const arrow::Field& before, const arrow::Field& field) {
    if (!before.nullable() && field.nullable())
      allow(Kind::nulls, field.name(), fmt::format("{} may be null now", field.name()));
    if (before.nullable() && !field.nullable()) {
      if (never_null(snapshot_, before.name()))
        allow(Kind::nulls, field.name(), fmt::format("{} refuses nulls now; none is in", field.name()));
      else
        forbid(Kind::nulls, field.name(),
               fmt::format("{}: column \"{}\" refuses nulls in the spec, and rows that are in have some", name(),
                           field.name()),
               "leave null: refuse out, or " + anew());
    }
    compare_units(before, field);
    compare_symbols(before, field);
  }

  /// A unit that went and came back as another would be a change of meaning in two steps: it may only come.
  void compare_units(const arrow::Field& before, const arrow::Field& field) {
    const std::string was = noted(before, "unit"), now = noted(field, "unit");
    if (was == now) return;
    if (was.empty())
      return allow(Kind::unit, field.name(), fmt::format("{} is said to be in {} now", field.name(), now));
    forbid(Kind::unit, field.name(),
           fmt::format("{}: column \"{}\" is in {} in the table and {} in the spec", name(), field.name(), was,
                       now.empty() ? "has no unit" : "in " + now),
           now.empty() ? fmt::format("keep unit: {}", was)
                       : "a change of meaning under the same name is forbidden: name the new column otherwise");
  }

  void compare_symbols(const arrow::Field& before, const arrow::Field& field) {
    const std::string was = noted(before, "symbols"), now = noted(field, "symbols");
    if (was == now) return;
    const auto old = words(was), fresh = words(now);
    if (now.empty()) return allow(Kind::symbols, field.name(), fmt::format("{} may have any text", field.name()));
    const bool kept = !was.empty() && std::includes(fresh.begin(), fresh.end(), old.begin(), old.end());
    if (kept) return allow(Kind::symbols, field.name(), fmt::format("{} has the symbols {} now", field.name(), now));
    forbid(Kind::symbols, field.name(),
           fmt::format("{}: column \"{}\" has {} in the table and only the symbols {} in the spec", name(),
                       field.name(), was.empty() ? "any text" : "the symbols " + was, now),
           "a symbol may be added and none may go: keep those that there were");
  }

  void find_removed(const std::string& column) {
    if (wanted_->GetFieldByName(column) != nullptr || snapshot_.derived(column) || taken_.contains(column)) return;
    if (column == "schema_version") return;  // find_version() says it better
    forbid(Kind::removed, column, fmt::format("{} has the column \"{}\", the spec has not", name(), column),
           fmt::format("a column may not go: keep it in the spec (it may be null; with default: files may lack it; "
                       "aliases: says a new name), or give the data set another table (table: {}), or {}",
                       next_table(), anew()));
  }

  void find_order() {
    std::vector<std::string> before;
    for (const std::string& column : snapshot_.schema->field_names())
      if (!snapshot_.derived(column)) before.push_back(column);
    if (before != wanted_->field_names()) allow(Kind::order, {}, "the columns stand in another order");
  }

  void find_version() {
    const std::string &from = out_.from_version, &to = out_.to_version;
    if (from.empty()) return;
    if (to.empty())
      return forbid(Kind::version, {}, fmt::format("{} has schema_version {}, the spec has none", name(), from),
                    "keep the line schema_version in the spec, and raise it with each change");
    const auto before = numbers_of(from), now = numbers_of(to);
    if (!before || !now) return;
    if (*now < *before)
      return forbid(Kind::version, {},
                    fmt::format("{}: schema_version {} comes before {}, which the table has", name(), to, from),
                    "this spec is older than the table: use the newer one");
    if ((*now)[0] != (*before)[0])
      return forbid(Kind::version, {},
                    fmt::format("{}: schema_version {} is a breaking change of {}", name(), to, from),
                    fmt::format("give it a table of its own (table: {}), read both for a while, then archive the old",
                                next_table()));
    const bool changed = std::any_of(out_.changes.begin(), out_.changes.end(),
                                     [](const ColumnChange& one) { return one.kind != Kind::order; });
    if (*now == *before && changed)
      forbid(Kind::version, {},
             fmt::format("{}: the columns changed ({}), and schema_version is {} still", name(),
                         out_.changes.front().what, to),
             fmt::format("say schema_version: {}.{}.0", (*now)[0], (*now)[1] + 1));
  }

  const Table& table_;
  const Snapshot& snapshot_;
  const Dataset& dataset_;
  std::shared_ptr<arrow::Schema> wanted_;
  std::set<std::string> taken_;  // columns of the table that have another name now
  Evolution out_;
};

}  // namespace

const char* name(ColumnChange::Kind kind) {
  switch (kind) {
    case Kind::added: return "added";
    case Kind::removed: return "removed";
    case Kind::renamed: return "renamed";
    case Kind::widened: return "widened";
    case Kind::type: return "type";
    case Kind::scale: return "scale";
    case Kind::unit: return "unit";
    case Kind::nulls: return "nulls";
    case Kind::symbols: return "symbols";
    case Kind::order: return "order";
    case Kind::partitions: return "partitions";
    case Kind::version: return "version";
  }
  return "";
}

bool Evolution::rewrites() const {
  return std::any_of(changes.begin(), changes.end(), [](const ColumnChange& one) { return one.rewrites; });
}

Status Evolution::check() const {
  for (const ColumnChange& one : changes)
    if (!one.allowed) return data_error(one.what, one.hint);
  return Status::OK();
}

Json Evolution::json() const {
  Json list = Json::array();
  for (const ColumnChange& one : changes)
    list.push_back({{"kind", name(one.kind)},
                    {"column", one.column},
                    {"allowed", one.allowed},
                    {"rewrites", one.rewrites},
                    {"what", one.what},
                    {"hint", one.hint}});
  return {{"from", from_version}, {"to", to_version}, {"allowed", check().ok()}, {"changes", list}};
}

std::shared_ptr<arrow::Schema> stored_schema(const Dataset& dataset) {
  auto schema = dataset.schema();
  if (dataset.schema_version.empty() || schema->GetFieldByName("schema_version") != nullptr) return schema;
  auto fields = schema->fields();
  fields.push_back(arrow::field("schema_version", arrow::utf8()));
  return arrow::schema(fields);
}

// Column metadata as Delta's readers show it: the unit, and the help as "comment".
std::shared_ptr<arrow::Schema> described(const Dataset& dataset) {
  std::vector<std::shared_ptr<arrow::Field>> fields;
  const auto schema = stored_schema(dataset);  // it would not outlive the head of the loop
  for (const auto& field : schema->fields()) {
    std::vector<std::string> keys, values;
    keys.reserve(3), values.reserve(3);
    if (const Column* column = dataset.column(field->name())) {
      if (!column->unit.empty()) keys.emplace_back("unit"), values.push_back(column->unit);
      if (!column->help.empty()) keys.emplace_back("comment"), values.push_back(column->help);
      if (!column->symbols.empty())
        keys.emplace_back("symbols"), values.push_back(fmt::format("{}", fmt::join(column->symbols, ",")));
    }
    fields.push_back(keys.empty() ? field : field->WithMetadata(arrow::key_value_metadata(keys, values)));
  }
  return arrow::schema(fields);
}

bool only_adds(const arrow::Schema& before, const arrow::Schema& after) {
  const auto kept = [&](const auto& field) {
    auto now = after.GetFieldByName(field->name());
    return now != nullptr && now->type()->Equals(field->type());
  };
  return std::all_of(before.fields().begin(), before.fields().end(), kept) &&
         std::all_of(after.fields().begin(), after.fields().end(), [&](const auto& field) {
           return before.GetFieldByName(field->name()) != nullptr || field->nullable();
         });
}

Status has_columns_of(const Table& table, const Snapshot& snapshot, const Dataset& dataset) {
  ARROW_ASSIGN_OR_RAISE(const auto change, evolution_of(table, snapshot, dataset));
  ARROW_RETURN_NOT_OK(change.check());
  if (change.changes.empty()) return Status::OK();
  return data_error(fmt::format("{}: its columns are not those of {}: {}", table.name().str(), dataset.path,
                                change.changes.front().what),
                    fmt::format("tapemill schema evolve {} brings it up to the spec", dataset.table));
}

Result<Evolution> evolution_of(const Table& table, const Snapshot& snapshot, const Dataset& dataset) {
  return Comparison(table, snapshot, dataset).run();
}

}  // namespace tapemill::lake
