#include "lake/enrich.h"

#include <arrow/api.h>
#include <arrow/compute/api_vector.h>
#include <arrow/compute/exec.h>

#include <algorithm>
#include <limits>

#include "lake/about.h"
#include "lake/missing_table.h"
#include "lake/scan.h"

namespace tapemill::lake {

struct Enrichment::Known {
  struct Row {
    std::int32_t from, to;  // sessions, inclusive
    std::int64_t known;     // available_at
    std::int64_t at;        // in `values`
    auto operator<=>(const Row&) const = default;
  };
  TableName table;
  std::int64_t version = -1;
  std::string session;
  std::vector<std::string> needs;  // symbol, session, available_at of the rows
  arrow::FieldVector fields;
  arrow::ArrayVector values;  // a column a field
  std::map<std::string, std::vector<Row>, std::less<>> rows;  // by symbol; by valid_from, then available_at
};

namespace {

bool is_reference(const Dataset& dataset) {
  const Column *symbol = dataset.column("symbol"), *from = dataset.column("valid_from"),
               *to = dataset.column("valid_to");
  return symbol != nullptr && symbol->kind == Kind::string && from != nullptr && from->kind == Kind::date &&
         (to == nullptr || to->kind == Kind::date);
}

Result<Dataset> reference_of(const Lake& lake, const Dataset& rows, const std::string& named) {
  if (!named.empty()) {
    if (!lake.table(Layer::bronze, named).exists()) return missing_table(lake, {Layer::bronze, named});
    ARROW_ASSIGN_OR_RAISE(Dataset one, dataset_of(lake, named));
    if (is_reference(one)) return one;
    return usage_error(named + " is no reference table", "its rows need a symbol and valid_from, a date");
  }
  std::vector<Dataset> found = datasets_in(lake);
  std::erase_if(found, [&](const Dataset& one) {
    return !is_reference(one) || one.exchange != rows.exchange || one.table == rows.table;
  });
  if (found.size() == 1) return std::move(found.front());
  if (found.empty())
    return usage_error(fmt::format("there is no reference table of exchange {} in this lake", rows.exchange),
                       fmt::format("tapemill ingest {} FILES; or name one of another exchange",
                                   rows.exchange == "US" ? "us_instrument_reference" : "instrument_reference"));
  std::string names;
  for (const Dataset& one : found) names += (names.empty() ? "" : ", ") + one.table;
  return usage_error(fmt::format("this lake has several reference tables of exchange {}: {}", rows.exchange, names),
                     fmt::format("name one: --reference {0}, or enrich: {{table: {0}}}", found.front().table));
}

Status unknown_column(const std::string& name, const Dataset& reference) {
  std::vector<std::string> there;
  for (const Column& column : reference.columns) there.push_back(column.name);
  const std::string near = nearest(name, there);
  return usage_error(
      fmt::format("{} has no column {}", reference.table, name),
      near.empty() ? fmt::format("it has {}", fmt::join(there, ", ")) : fmt::format("did you mean {}?", near));
}

}  // namespace

Result<Enrichment> Enrichment::make(const Lake& lake, const Dataset& rows, const EnrichOptions& options,
                                    const Workers& workers, arrow::MemoryPool* pool) {
  const std::string symbol = rows.column("underlying") != nullptr ? "underlying" : "symbol";
  if (rows.column(symbol) == nullptr)
    return usage_error(rows.table + " has no symbols to look up", "what is enriched has a column symbol or underlying");
  ARROW_ASSIGN_OR_RAISE(const Dataset reference, reference_of(lake, rows, options.table));
  auto known = std::make_shared<Known>();
  known->table = {Layer::bronze, reference.table};
  known->needs = {symbol, rows.session_column, "available_at"};
  ScanRequest request;
  request.table = known->table;
  request.version = options.version;
  request.known_at = options.known_at;
  for (const std::string& name : options.columns) {
    const Column* column = reference.column(name);
    if (column == nullptr) return unknown_column(name, reference);
    if (rows.column(name) != nullptr)
      return usage_error(fmt::format("{} has a column {} of its own", rows.table, name),
                         "leave it out of what is asked of " + reference.table);
    if (std::find(request.columns.begin(), request.columns.end(), name) != request.columns.end())
      return usage_error(fmt::format("{} is asked for twice", name));
    request.columns.push_back(name);
    known->fields.push_back(arrow::field(name, column->type()));
  }
  if (known->fields.empty()) return usage_error("no column of " + reference.table + " is asked for");
  for (const char* name : {"symbol", "valid_from", "valid_to", "available_at"})
    if ((reference.column(name) != nullptr || name == std::string_view("available_at")) &&
        std::find(request.columns.begin(), request.columns.end(), name) == request.columns.end())
      request.columns.emplace_back(name);
  ARROW_ASSIGN_OR_RAISE(ScanResult found, scan(lake, request, workers, pool));
  known->version = found.version;
  ARROW_ASSIGN_OR_RAISE(auto table, found.rows->CombineChunks(pool));
  auto column = [&](const std::string& name) -> Result<std::shared_ptr<arrow::Array>> {
    auto chunks = table->GetColumnByName(name);
    if (chunks->num_chunks() > 0) return chunks->chunk(0);
    return arrow::MakeEmptyArray(chunks->type(), pool);
  };
  for (const auto& field : known->fields) {
    ARROW_ASSIGN_OR_RAISE(auto values, column(field->name()));
    known->values.push_back(std::move(values));
  }
  ARROW_ASSIGN_OR_RAISE(auto symbols, column("symbol"));
  ARROW_ASSIGN_OR_RAISE(auto from, column("valid_from"));
  ARROW_ASSIGN_OR_RAISE(auto available, column("available_at"));
  std::shared_ptr<arrow::Array> to;
  if (reference.column("valid_to") != nullptr) { ARROW_ASSIGN_OR_RAISE(to, column("valid_to")); }
  const auto& texts = static_cast<const arrow::StringArray&>(*symbols);
  const auto& dates = static_cast<const arrow::Date32Array&>(*from);
  const auto& times = static_cast<const arrow::TimestampArray&>(*available);
  for (std::int64_t i = 0; i < table->num_rows(); ++i) {
    if (texts.IsNull(i) || dates.IsNull(i) || times.IsNull(i)) continue;
    const bool ends = to != nullptr && to->IsValid(i);
    known->rows[texts.GetString(i)].push_back(
        {dates.Value(i),
         ends ? static_cast<const arrow::Date32Array&>(*to).Value(i) : std::numeric_limits<std::int32_t>::max(),
         times.Value(i), i});
  }
  for (auto& [name, list] : known->rows)
    std::sort(list.begin(), list.end(), [](const Known::Row& a, const Known::Row& b) {
      return std::tie(a.from, a.known, a.at) < std::tie(b.from, b.known, b.at);
    });
  Enrichment out;
  out.known_ = std::move(known);
  return out;
}

const TableName& Enrichment::table() const { return known_->table; }
std::int64_t Enrichment::version() const { return known_->version; }
const std::vector<std::string>& Enrichment::needs() const { return known_->needs; }
const arrow::FieldVector& Enrichment::fields() const { return known_->fields; }

Result<arrow::ArrayVector> Enrichment::of(const arrow::Table& rows, arrow::MemoryPool* pool) const {
  arrow::ArrayVector needed;
  for (const std::string& name : known_->needs) {
    auto chunks = rows.GetColumnByName(name);
    if (chunks == nullptr) return usage_error("the rows have no column " + name + " to be enriched by");
    ARROW_ASSIGN_OR_RAISE(auto whole, chunks->num_chunks() == 0 ? arrow::MakeEmptyArray(chunks->type(), pool)
                                                                : arrow::Concatenate(chunks->chunks(), pool));
    needed.push_back(std::move(whole));
  }
  const auto& symbols = static_cast<const arrow::StringArray&>(*needed[0]);
  const auto& sessions = static_cast<const arrow::Date32Array&>(*needed[1]);
  const auto& times = static_cast<const arrow::TimestampArray&>(*needed[2]);
  arrow::Int64Builder take(pool);
  ARROW_RETURN_NOT_OK(take.Reserve(rows.num_rows()));
  const std::vector<Known::Row>* list = nullptr;
  std::string_view last;  // rows of one symbol mostly follow each other
  for (std::int64_t i = 0; i < rows.num_rows(); ++i) {
    const std::string_view symbol = symbols.IsNull(i) ? std::string_view{} : symbols.GetView(i);
    if (i == 0 || symbol != last) {
      auto found = known_->rows.find(symbol);
      list = found == known_->rows.end() ? nullptr : &found->second;
      last = symbol;
    }
    const Known::Row* held = nullptr;
    if (list != nullptr && sessions.IsValid(i) && times.IsValid(i))
      for (auto at = list->rbegin(); at != list->rend() && held == nullptr; ++at)
        if (at->from <= sessions.Value(i) && at->known <= times.Value(i)) held = &*at;
    if (held != nullptr && held->to >= sessions.Value(i)) take.UnsafeAppend(held->at);
    else take.UnsafeAppendNull();
  }
  ARROW_ASSIGN_OR_RAISE(auto indices, take.Finish());
  arrow::compute::ExecContext context(pool);
  arrow::ArrayVector out;
  for (const auto& values : known_->values) {
    ARROW_ASSIGN_OR_RAISE(
        arrow::Datum taken,
        arrow::compute::Take(values, indices, arrow::compute::TakeOptions::NoBoundsCheck(), &context));
    out.push_back(taken.make_array());
  }
  return out;
}

Result<std::shared_ptr<arrow::Table>> Enrichment::beside(const std::shared_ptr<arrow::Table>& rows,
                                                         const std::vector<std::string>& drop,
                                                         arrow::MemoryPool* pool) const {
  ARROW_ASSIGN_OR_RAISE(auto made, of(*rows, pool));
  auto out = rows;
  for (const std::string& name : drop) {
    ARROW_ASSIGN_OR_RAISE(out, out->RemoveColumn(out->schema()->GetFieldIndex(name)));
  }
  for (std::size_t i = 0; i < made.size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(
        out, out->AddColumn(out->num_columns(), known_->fields[i], std::make_shared<arrow::ChunkedArray>(made[i])));
  }
  return out;
}

}  // namespace tapemill::lake
