#include "sources/csv.h"

#include <algorithm>

namespace tapemill::sources {
namespace {

/// "{exchange}:{symbol}" of the data set's columns -> "US:{Name}" of the file's.
std::string over_header(const Dataset& dataset, std::string_view fill) {
  std::string out;
  for (std::size_t i = 0; i < fill.size();) {
    std::size_t close = fill[i] == '{' ? fill.find('}', i) : std::string_view::npos;
    if (close == std::string_view::npos) {
      out += fill[i++];
      continue;
    }
    std::string name(fill.substr(i + 1, close - i - 1));
    auto mapped = dataset.csv.find(name);
    if (name == "exchange" && dataset.column(name) == nullptr) out += dataset.exchange;
    else if (mapped != dataset.csv.end() && !mapped->second.fill.empty() &&
             mapped->second.fill.find('{') == std::string::npos)
      out += mapped->second.fill;
    else out += "{" + (mapped != dataset.csv.end() && !mapped->second.from.empty() ? mapped->second.from : name) + "}";
    i = close + 1;
  }
  return out;
}

}  // namespace

Form csv_form(const Dataset& dataset) {
  Form form;
  form.name = "csv";
  form.other_columns = true;
  form.multiline = true;
  if (dataset.session_from_file_name) form.sessions = Form::Sessions::one;
  const bool timed = dataset.column("time") != nullptr;
  for (const Column& column : dataset.columns) {
    const bool session = column.name == dataset.session_column;
    auto mapped = dataset.csv.find(column.name);
    if (session && mapped == dataset.csv.end() && (timed || dataset.session_from_file_name)) continue;  // from there
    const std::string name = session ? "session" : column.name;
    if (mapped != dataset.csv.end() && !mapped->second.fill.empty()) {
      std::string pattern = over_header(dataset, mapped->second.fill);
      form.takes.push_back(pattern.find('{') == std::string::npos ? take_constant(name, pattern)
                                                                  : take_pattern(name, pattern));
      continue;
    }
    const bool named = mapped != dataset.csv.end() && !mapped->second.from.empty();
    const std::string from = named ? mapped->second.from : column.name;
    const bool needed = !column.has_default && (named || column.aliases.empty());
    (needed ? form.header : form.optional).push_back(from);
    form.takes.push_back(take_date(name, from, mapped != dataset.csv.end() ? mapped->second.format : std::string()));
  }
  return form;
}

Form mapped_form(const Dataset& dataset, std::string name, bool all) {
  Form form = csv_form(dataset);
  form.name = std::move(name);
  if (all) form.header.insert(form.header.end(), form.optional.begin(), form.optional.end());
  for (Take& take : form.takes) {
    const bool own = (take.column == "source" || take.column == "received_at") && !dataset.csv.contains(take.column);
    if (!own) continue;
    std::erase(form.header, take.from.front());
    std::erase(form.optional, take.from.front());
    take = take_constant(take.column, take.column == "source" ? dataset.table : "");
  }
  std::vector<std::string> once;
  for (std::string& name : form.header)
    if (std::find(once.begin(), once.end(), name) == once.end()) once.push_back(std::move(name));
  form.header = std::move(once);
  return form;
}

}  // namespace tapemill::sources
