#include "analytics/requests.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "indicators/indicator.h"

namespace tapemill::analytics {
namespace {

struct Output {
  const char* name;    // {} is the request: "BB_20"
  const char* output;  // of the indicator; null: its only one
};

/// {p} price column, {v} volume column, {n} the period; {fast}, {slow}, {signal} of RequestOptions::macd.
struct Request {
  const char* name;
  int period;              // default; 0: it takes none
  const char* call;        // arguments and all, without the closing bracket
  const char* columnar;    // what is added in that form
  std::vector<Output> outputs;
};

const std::vector<Request>& table() {
  static const std::vector<Request> requests = {
      {"SMA", 14, "sma({p}, period={n}", "", {{"{}", nullptr}}},
      {"EMA", 14, "ema({p}, period={n}", ", seed=first", {{"{}", nullptr}}},
      {"RSI", 14, "rsi({p}, period={n}", ", smoothing=span", {{"{}", nullptr}}},
      {"MACD",
       0,
       "macd({p}, fast={fast}, slow={slow}, signal={signal}",
       ", seed=first",
       {{"MACD_line", "line"}, {"MACD_signal", "signal"}, {"MACD_histogram", "histogram"}}},
      {"BB",
       20,
       "bb({p}, period={n}, deviations=2",
       ", ddof=1",
       {{"{}_upper", "upper"},
        {"{}_middle", "middle"},
        {"{}_lower", "lower"},
        {"{}_pctB", "percent_b"},
        {"{}_width", "width"}}},
      {"ATR", 14, "atr(period={n}", ", smoothing=span", {{"{}", nullptr}}},
      {"VWAP", 0, "vwap(volume={v}", "", {{"VWAP", nullptr}}},
      {"OBV", 0, "obv({p}, {v}", "", {{"OBV", nullptr}}},
      {"STOCH", 14, "stoch(fast_k={n}, slow_k=3, slow_d=3", "", {{"stochastic_k", "k"}, {"stochastic_d", "d"}}},
      {"Volume_SMA", 20, "volume_sma({v}, period={n}", "", {{"{}", nullptr}}},
      {"Volume_Ratio", 20, "volume_ratio({v}, period={n}", "", {{"Volume_Ratio", nullptr}}},
  };
  return requests;
}

std::string capitals(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
  return text;
}

/// "BB_20" -> {"BB", 20}; "Volume_SMA" -> {"Volume_SMA", none}.
std::pair<std::string, std::optional<int>> split(const std::string& request) {
  std::size_t bar = request.rfind('_');
  if (bar == std::string::npos || bar + 1 == request.size()) return {request, {}};
  int period = 0;
  auto [end, code] = std::from_chars(request.data() + bar + 1, request.data() + request.size(), period);
  if (code == std::errc::result_out_of_range) period = std::numeric_limits<int>::max();
  else if (code != std::errc{} || end != request.data() + request.size()) return {request, {}};
  return {request.substr(0, bar), period};
}

/// A period that the indicator of `call` does not take is said with its range.
Status check_period(const std::string& call, int period, const std::string& request, const std::string& where) {
  const indicators::Spec* spec = indicators::find(call.substr(0, call.find('(')));
  if (spec == nullptr || indicators::parameters(*spec).empty()) return Status::OK();
  const Parameter& first = indicators::parameters(*spec)[0];
  if (period >= first.least && period <= first.most) return Status::OK();
  return usage_error(
      fmt::format("{}: {}: the {} of {} is {} to {}", where, request, first.name, spec->name, first.least, first.most),
      fmt::format("such as {}_{}", request.substr(0, request.rfind('_')), first.standard));
}

std::vector<NamedExpression> of_table(const Request& request, int period, const RequestOptions& options,
                                      const std::string& price, const std::string& where) {
  std::string name = request.name;
  if (request.period > 0) name += fmt::format("_{}", period);
  std::string call = request.call;
  if (options.form == "columnar") call += request.columnar;
  auto number = [](int value) { return fmt::format("{}", value); };
  for (const auto& [what, by] : {std::pair{"{p}", price},
                                 {"{v}", options.volume_column},
                                 {"{n}", number(period)},
                                 {"{fast}", number(options.macd.fast)},
                                 {"{slow}", number(options.macd.slow)},
                                 {"{signal}", number(options.macd.signal)}})
    call = replaced(call, what, by);
  std::vector<NamedExpression> out;
  for (const Output& output : request.outputs) {
    std::string text = call + (output.output != nullptr ? fmt::format(", output={})", output.output) : ")");
    std::string column = replaced(output.name, "{}", name);
    if (request.period > 0 && period != request.period &&
        std::string_view(output.name).find("{}") == std::string_view::npos)
      column += fmt::format("_{}", period);  // stochastic_k_5: no two requests share a column
    out.push_back({std::move(column), std::move(text), where});
  }
  return out;
}

std::vector<NamedExpression> of_catalogue(const indicators::Spec& spec, std::optional<int> period,
                                          const std::string& price, const std::string& where) {
  std::string call = std::string(spec.name) + "(";
  const auto inputs = indicators::inputs(spec);
  if (inputs.size() == 1 && std::string_view(inputs[0].column) == "close") call += price;
  const auto parameters = indicators::parameters(spec);
  std::string name = capitals(spec.name);
  if (!parameters.empty() && period) {
    call += fmt::format("{}{}={}", call.back() == '(' ? "" : ", ", parameters[0].name, *period);
    name += fmt::format("_{}", *period);
  }
  const auto outputs = indicators::outputs(spec);
  std::vector<NamedExpression> out;
  for (const char* output : outputs) {
    std::string text = call;
    if (outputs.size() > 1) text += fmt::format("{}output={}", call.back() == '(' ? "" : ", ", output);
    text += ")";
    out.push_back({outputs.size() == 1 ? name : fmt::format("{}_{}", name, output), std::move(text), where});
  }
  return out;
}

}  // namespace

std::vector<std::string> request_names() {
  std::vector<std::string> names;
  for (const Request& one : table()) names.emplace_back(one.name);
  for (const indicators::Spec* spec : indicators::catalogue()) {
    std::string name = capitals(spec->name);
    auto known = [&](const std::string& other) { return capitals(other) == name; };
    if (std::none_of(names.begin(), names.end(), known)) names.push_back(name);
  }
  return names;
}

Result<std::vector<NamedExpression>> resolve_requests(const std::vector<std::string>& requests,
                                                      const std::vector<std::string>& columns,
                                                      const RequestOptions& options, const std::string& where) {
  std::string price = options.price_column;
  if (price.empty())
    price = std::find(columns.begin(), columns.end(), "adj_close") != columns.end() ? "adj_close" : "close";
  std::vector<NamedExpression> out;
  for (const std::string& request : requests) {
    std::vector<NamedExpression> found;
    if (request.find('(') != std::string::npos) {
      found.push_back({request, request, where});
    } else {
      auto [name, period] = split(request);
      auto row =
          std::find_if(table().begin(), table().end(), [&name = name](const Request& one) { return name == one.name; });
      const indicators::Spec* spec = nullptr;
      for (const indicators::Spec* one : indicators::catalogue())
        if (capitals(one->name) == name) spec = one;
      if (row != table().end() && (!period || row->period > 0)) {
        if (period) ARROW_RETURN_NOT_OK(check_period(row->call, *period, request, where));
        found = of_table(*row, period.value_or(row->period), options, price, where);
      } else if (row != table().end()) {
        return usage_error(fmt::format("{}: {} takes no period", where, name), fmt::format("write {}", name));
      } else if (spec != nullptr) {
        if (period) ARROW_RETURN_NOT_OK(check_period(std::string(spec->name) + "(", *period, request, where));
        found = of_catalogue(*spec, period, price, where);
      } else {
        std::string near = nearest(name, request_names());
        return usage_error(fmt::format("{}: unknown indicator {}", where, request),
                           near.empty() ? fmt::format("there are {}", fmt::join(request_names(), ", "))
                                        : fmt::format("did you mean {}?", near));
      }
    }
    for (NamedExpression& one : found)
      if (std::none_of(out.begin(), out.end(), [&](const NamedExpression& other) { return other.name == one.name; }))
        out.push_back(std::move(one));
  }
  return out;
}

}  // namespace tapemill::analytics
