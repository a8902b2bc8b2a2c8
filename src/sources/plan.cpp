#include <algorithm>

#include "sources/table.h"

namespace tapemill::sources {

Result<Plan> TableSource::plan(const Column& column, const Take& take, const Header& header) const {
  auto find = [&](std::string_view name) {
    for (std::size_t i = 0; i < header.names.size(); ++i)
      if (header.names[i] == name) return static_cast<int>(i);
    return -1;
  };
  if (!take.pattern.empty() && column.kind != Kind::string)
    return usage_error(fmt::format("column {}: a template makes a text, and its type is another", column.name),
                       "map it with from: HEADER, or let its type be string");
  Plan plan{column, take, {}, {}, false, false};
  bool any = take.fixed;
  for (const std::string& name : take.from) {
    plan.fields.push_back(find(name));
    for (std::size_t i = 0; i < column.aliases.size() && plan.fields.back() < 0 && name == column.name; ++i)
      plan.fields.back() = find(column.aliases[i]);
    any |= plan.fields.back() >= 0;
  }
  if (!any && column.has_default) {
    plan.take = take_constant(column.name, column.fallback.value_or(""));
    plan.fields.clear();
    return plan;
  }
  if (!any && !column.aliases.empty() && form_.other_columns && take.pattern.empty())
    return data_error(fmt::format("column {}: the file has neither it nor what it was called: {}", column.name,
                                  fmt::join(column.aliases, ", ")),
                      "the header is: " + header.line);
  for (std::string_view rest = take.pattern; !rest.empty();) {
    std::size_t open = rest.find('{');
    std::string literal(rest.substr(0, open));
    if (open == std::string_view::npos) {
      plan.pieces.emplace_back(std::move(literal), -1);
      break;
    }
    std::size_t close = rest.find('}', open);
    std::string_view name = rest.substr(open + 1, close == std::string_view::npos ? close : close - open - 1);
    int index = find(name);
    if (index < 0)
      return data_error(fmt::format("column {}: the file has no column \"{}\"", column.name, name),
                        "the header is: " + header.line);
    plan.pieces.emplace_back(std::move(literal), index);
    any = true;
    rest = close == std::string_view::npos ? std::string_view{} : rest.substr(close + 1);
  }
  plan.absent = !any;
  plan.exact = plan.fields.size() == 1 && plan.fields[0] >= 0 && exact_[static_cast<std::size_t>(plan.fields[0])];
  return plan;
}

Result<std::unique_ptr<TableSource>> TableSource::make(const Dataset& dataset, const Form& form, const Header& header,
                                                       const FileInfo& info, std::unique_ptr<Bytes> bytes,
                                                       std::size_t block_size, arrow::MemoryPool* pool) {
  auto source = std::unique_ptr<TableSource>(new TableSource(std::move(bytes), block_size, form.multiline));
  source->reader_.take_regular();
  source->reader_.cut_at(dataset.csv_delimiter);
  if (!dataset.csv_header) source->reader_.without_header();
  source->form_ = form;
  source->info_ = info;
  source->session_column_ = dataset.session_column;
  source->days_ = std::make_unique<Days>(dataset.calendar);
  source->schema_ = dataset.schema();
  source->pool_ = pool;
  source->width_ = header.names.size();
  for (const std::string& name : header.names)
    source->exact_.push_back(std::find(form.exact.begin(), form.exact.end(), name) != form.exact.end());
  source->stated_ = dataset.column("available_at") != nullptr;
  source->bar_close_ = dataset.available == "bar_close";
  source->available_after_ = dataset.available_lag + (source->bar_close_ ? dataset.bar : 0);

  auto column_or = [&](const std::string& name, Kind kind) {
    const Column* column = dataset.column(name);
    return column != nullptr ? *column : Column{.name = name, .kind = kind};
  };
  if (const Take* take = form.find("session")) {
    ARROW_ASSIGN_OR_RAISE(source->session_, source->plan(column_or(dataset.session_column, Kind::date), *take, header));
  }
  if (const Take* take = form.find("time")) {
    ARROW_ASSIGN_OR_RAISE(source->time_, source->plan(column_or("time", Kind::timestamp), *take, header));
  }
  if (!source->session_ && !source->time_ && !info.session)
    return usage_error(
        fmt::format("{}: nothing says the session of a row", dataset.table),
        "declare a column session or time, or take the session from the file's name (a date YYYY-MM-DD in it)");
  if (source->bar_close_ && !source->time_)
    return usage_error(
        fmt::format("{}: available: bar_close needs a column time, and {} files have none", dataset.table, form.name),
        "say available: session_close");
  for (const Guard& guard : form.guards) {
    Take take = take_rule(guard.from.front(), guard.from, guard.rule);
    ARROW_ASSIGN_OR_RAISE(Plan plan,
                          source->plan(Column{.name = guard.from.front(), .kind = Kind::int64}, take, header));
    source->guards_.push_back(std::move(plan));
  }
  std::vector<std::string> known;
  for (const Take& take : form.takes) known.push_back(take.column);
  for (const Column& column : dataset.columns) {
    const Take* take = column.name == dataset.session_column ? form.find("session") : form.find(column.name);
    if (column.name == dataset.session_column && take == nullptr) {
      source->plans_.push_back({column, {}, {}, {}, true, false});  // from the time or the file's name
      continue;
    }
    if (take == nullptr) {
      std::string near = nearest(column.name, known);
      return usage_error(
          fmt::format("{}: no {} file yields a column \"{}\"", dataset.path.empty() ? dataset.table : dataset.path,
                      form.name, column.name),
          near.empty() ? fmt::format("it yields: {}", fmt::join(known, ", ")) : fmt::format("did you mean {}?", near));
    }
    ARROW_ASSIGN_OR_RAISE(Plan plan, source->plan(column, *take, header));
    source->plans_.push_back(std::move(plan));
  }
  source->integers_.resize(source->plans_.size());
  source->valid_.resize(source->plans_.size());
  source->texts_.resize(source->plans_.size());
  return source;
}

}  // namespace tapemill::sources
