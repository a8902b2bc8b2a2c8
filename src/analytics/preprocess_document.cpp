#include <algorithm>

#include "analytics/preprocess.h"
#include "analytics/requests.h"
#include "core/document.h"
#include "core/json.h"

namespace tapemill::analytics {
namespace {

using Kind = TransformSpec::Kind;

struct From {
  std::string table, start, session = "regular";
  std::vector<std::string> columns;
};
struct Reference {
  std::string table;
  std::vector<std::string> columns;
};
struct Days {
  std::string start, end;
};

}  // namespace
}  // namespace tapemill::analytics

namespace tapemill {
template <>
inline constexpr auto fields<analytics::From> =
    std::tuple{field("table", &analytics::From::table, "silver table that the rows are of"),
               field("columns", &analytics::From::columns, "its columns; all of numbers where none is named"),
               field("start", &analytics::From::start, "first session"),
               field("session", &analytics::From::session, "bars of the regular session, of extended hours too, or all",
                     kSessionHours)};
template <>
inline constexpr auto fields<analytics::Reference> =
    std::tuple{field("table", &analytics::Reference::table, "the reference table; else the exchange's one"),
               field("columns", &analytics::Reference::columns, "its columns, as of each row")};
template <>
inline constexpr auto fields<analytics::Days> = std::tuple{field("start", &analytics::Days::start, "first session"),
                                                           field("end", &analytics::Days::end, "last session")};
}  // namespace tapemill

namespace tapemill::analytics {
namespace {

Result<std::optional<Date>> date_of(const Node& at, const std::string& text) {
  if (text.empty()) return std::nullopt;
  auto date = Date::parse(text);
  if (!date.ok()) return at.error(date.status().message(), "dates are written 2024-10-28");
  return *date;
}

Result<std::string> one_of(const Node& node, const std::vector<std::string>& known) {
  ARROW_ASSIGN_OR_RAISE(std::string text, node.as_string());
  if (std::find(known.begin(), known.end(), text) != known.end()) return text;
  const std::string near = nearest(text, known);
  return node.error(fmt::format("there is no {}", text), near.empty()
                                                             ? fmt::format("there are {}", fmt::join(known, ", "))
                                                             : fmt::format("did you mean {}?", near));
}

Result<std::vector<std::string>> names_of(const Node& node) {
  std::vector<std::string> names;
  ARROW_RETURN_NOT_OK(read_value(node, names));
  if (names.empty()) return node.error("no column is named");
  return names;
}

/// `true` means `all`, `false` nothing, a list what it names.
Result<std::vector<std::string>> names_or(const Node& node, std::vector<std::string> all) {
  if (node.type != Node::Type::boolean) return names_of(node);
  ARROW_ASSIGN_OR_RAISE(const bool wanted, node.as_boolean());
  return wanted ? std::move(all) : std::vector<std::string>{};
}

Status read_by(const Node& options, TransformSpec& step) {
  if (const Node* by = options.find("by")) {
    ARROW_ASSIGN_OR_RAISE(const std::string scope, one_of(*by, {"instrument", "all"}));
    step.by_instrument = scope == "instrument";
  }
  if (const Node* columns = options.find("columns")) { ARROW_ASSIGN_OR_RAISE(step.columns, names_of(*columns)); }
  return Status::OK();
}

class Reader {
 public:
  explicit Reader(PreprocessDocument& out) : out_(out) {}

  Status steps(const Node& list) {
    if (!list.is_list() || list.items.empty())
      return list.error("steps is a list", "- clean_data: {handle_missing_values: ffill}");
    for (const Node& item : list.items) {
      Node none;
      none.type = Node::Type::map, none.line = item.line, none.column = item.column, none.origin = item.origin;
      const Node *name = &item, *options = &none;
      if (item.is_map() && item.members.size() == 1) name = &item.members[0].key, options = &item.members[0].value;
      ARROW_ASSIGN_OR_RAISE(const std::string what, one_of(*name, {"clean_data", "engineer_features", "normalize",
                                                                   "encode", "optimize_types"}));
      if (!options->is_map()) return options->error(what + " is a map", "its keys are in docs/formats/preprocess.md");
      if (!out_.steps.empty() && out_.steps.back().kind == Kind::narrow)
        return name->error("nothing comes after optimize_types", "make it the last step");
      if (what == "clean_data") ARROW_RETURN_NOT_OK(clean(*options));
      else if (what == "engineer_features") ARROW_RETURN_NOT_OK(engineer(*options));
      else if (what == "normalize") ARROW_RETURN_NOT_OK(normalize(*options));
      else if (what == "encode") ARROW_RETURN_NOT_OK(encode(*options));
      else ARROW_RETURN_NOT_OK(narrow(*options));
    }
    return Status::OK();
  }

 private:
  TransformSpec& begin(Kind kind, std::string name, const Node& at) {
    TransformSpec& step = out_.steps.emplace_back();
    step.kind = kind, step.name = std::move(name), step.where = at.place();
    return step;
  }

  Status clean(const Node& options) {  // in the order of writing
    ARROW_RETURN_NOT_OK(options.only({"remove_duplicates", "handle_missing_values", "outlier_detection"}));
    for (const auto& [key, value] : options.members) {
      if (key.text == "remove_duplicates") {
        ARROW_ASSIGN_OR_RAISE(auto columns, names_or(value, {"*"}));
        if (!columns.empty()) begin(Kind::duplicates, "clean_data.remove_duplicates", key).columns = columns;
      } else if (key.text == "handle_missing_values") {
        ARROW_RETURN_NOT_OK(missing(key, value));
      } else {
        TransformSpec& step = begin(Kind::outliers, "clean_data.outlier_detection", key);
        step.method = "zscore";
        if (!value.is_map()) {
          ARROW_ASSIGN_OR_RAISE(step.method, one_of(value, {"zscore", "iqr", "mad"}));
          continue;
        }
        ARROW_RETURN_NOT_OK(value.only({"method", "over", "otherwise", "columns", "by"}));
        if (const Node* method = value.find("method")) {
          ARROW_ASSIGN_OR_RAISE(step.method, one_of(*method, {"zscore", "iqr", "mad"}));
        }
        if (const Node* otherwise = value.find("otherwise")) {
          ARROW_ASSIGN_OR_RAISE(step.otherwise, one_of(*otherwise, {"null", "drop", "clip"}));
        }
        if (const Node* over = value.find("over")) {
          ARROW_ASSIGN_OR_RAISE(step.over, over->as_number());
          if (!(step.over > 0)) return over->error("over is above 0");
        }
        ARROW_RETURN_NOT_OK(read_by(value, step));
      }
    }
    return Status::OK();
  }

  Status missing(const Node& key, const Node& value) {
    const std::vector<std::string> methods{"drop", "ffill", "bfill", "mean", "median", "zero", "interpolate"};
    TransformSpec& step = begin(Kind::missing, "clean_data.handle_missing_values", key);
    if (!value.is_map()) {
      ARROW_ASSIGN_OR_RAISE(step.method, one_of(value, methods));
      return Status::OK();
    }
    if (value.find("method") != nullptr) {
      ARROW_RETURN_NOT_OK(value.only({"method", "columns", "by"}));
      ARROW_ASSIGN_OR_RAISE(step.method, one_of(*value.find("method"), methods));
      return read_by(value, step);
    }
    for (const auto& [column, method] : value.members) {
      ARROW_ASSIGN_OR_RAISE(step.methods[column.text], one_of(method, methods));
    }
    return step.methods.empty() ? value.error("no column is named", "{close: ffill, volume: zero}") : Status::OK();
  }

  Status engineer(const Node& options) {
    ARROW_RETURN_NOT_OK(
        options.only({"time_features", "create_lag_features", "lag_periods", "create_technical_indicators"}));
    const std::vector<std::string> times{"calendar_year", "quarter",      "month_of_year",
                                         "week_of_year",  "day_of_month", "day_of_week",
                                         "day_of_year",   "hour_of_day",  "minute_of_hour"};
    if (const Node* node = options.find("lag_periods");
        node != nullptr && options.find("create_lag_features") == nullptr)
      return node->error("lag_periods says nothing by itself", "create_lag_features: [close] names the columns");
    for (const auto& [key, value] : options.members) {
      if (key.text == "time_features") {
        ARROW_ASSIGN_OR_RAISE(auto names, names_or(value, {"day_of_week", "day_of_month", "month_of_year", "quarter"}));
        if (value.is_list())
          for (const Node& one : value.items) ARROW_RETURN_NOT_OK(one_of(one, times).status());
        if (!names.empty()) begin(Kind::time_features, "engineer_features.time_features", key).columns = names;
      } else if (key.text == "create_lag_features") {
        ARROW_ASSIGN_OR_RAISE(auto names, names_or(value, {"close"}));
        if (names.empty()) continue;
        TransformSpec& step = begin(Kind::lags, "engineer_features.create_lag_features", key);
        step.columns = names, step.periods = {1, 5, 10, 20};
        if (const Node* periods = options.find("lag_periods")) {
          step.periods.clear();
          if (!periods->is_list()) return periods->error("lag_periods is a list", "[1, 5, 10, 20]");
          for (const Node& one : periods->items) {
            ARROW_ASSIGN_OR_RAISE(const std::int64_t period, one.as_integer());
            if (period < 1 || period > 10'000)
              return one.error(fmt::format("a lag of {} rows", period), "from 1, which is the row before, to 10000");
            step.periods.push_back(static_cast<int>(period));
          }
        }
      } else if (key.text == "create_technical_indicators") {
        TransformSpec& step = begin(Kind::indicators, "engineer_features.create_technical_indicators", key);
        if (value.is_list()) {
          std::vector<std::string> requests;
          ARROW_RETURN_NOT_OK(read_value(value, requests));
          std::vector<std::string> columns = out_.columns;
          if (columns.empty()) columns = {"open", "high", "low", "close", "volume"};
          ARROW_ASSIGN_OR_RAISE(step.expressions, resolve_requests(requests, columns, {}, value.place()));
        } else if (value.is_map()) {
          for (const auto& [name, expression] : value.members) {
            ARROW_ASSIGN_OR_RAISE(std::string text, expression.as_string());
            step.expressions.push_back({name.text, text, expression.place()});
          }
        }
        if (step.expressions.empty())
          return value.error("no indicator is named", "{rsi_14: \"rsi(close, period=14)\"}, or [RSI_14, SMA_20]");
      }
    }
    return Status::OK();
  }

  Status normalize(const Node& options) {
    ARROW_RETURN_NOT_OK(options.only({"method", "columns", "by"}));
    TransformSpec& step = begin(Kind::scale, "normalize", options);
    step.method = "standard";
    if (const Node* method = options.find("method")) {
      ARROW_ASSIGN_OR_RAISE(step.method, one_of(*method, {"standard", "minmax", "robust"}));
    }
    return read_by(options, step);
  }

  Status encode(const Node& options) {
    ARROW_RETURN_NOT_OK(options.only({"method", "columns"}));
    TransformSpec& step = begin(Kind::encode, "encode", options);
    step.method = "one_hot";
    if (const Node* method = options.find("method")) {
      ARROW_ASSIGN_OR_RAISE(step.method, one_of(*method, {"one_hot", "ordinal"}));
    }
    ARROW_ASSIGN_OR_RAISE(const Node* columns, options.need("columns"));
    ARROW_ASSIGN_OR_RAISE(step.columns, names_of(*columns));
    return Status::OK();
  }

  Status narrow(const Node& options) {
    ARROW_RETURN_NOT_OK(options.only({"floats", "columns"}));
    TransformSpec& step = begin(Kind::narrow, "optimize_types", options);
    step.method = "exact";
    if (const Node* floats = options.find("floats")) {
      ARROW_ASSIGN_OR_RAISE(step.method, one_of(*floats, {"exact", "float32"}));
    }
    return read_by(options, step);
  }

  PreprocessDocument& out_;
};

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

}  // namespace

bool PreprocessDocument::fitted() const {
  return std::any_of(steps.begin(), steps.end(), [](const TransformSpec& one) { return one.fitted(); });
}

std::vector<std::string> looks_ahead(const PreprocessDocument& document) {
  std::vector<std::string> found;
  for (const TransformSpec& one : document.steps)
    if (std::string why = one.looks_ahead(); !why.empty()) found.push_back(std::move(why));
  if (document.fitted() && document.fit && document.apply_start && *document.apply_start <= document.fit->last)
    found.push_back(fmt::format("statistics of sessions until {} are applied to rows from {} on",
                                document.fit->last.str(), document.apply_start->str()));
  return found;
}

Result<PreprocessDocument> load_preprocess(const std::string& path) {
  PreprocessDocument out;
  out.path = path;
  ARROW_ASSIGN_OR_RAISE(Document document, Document::read(path));
  const Node& root = document.root();
  if (!root.is_map()) return root.error("a document of preprocessing is a map", "it begins with preprocess: NAME");
  ARROW_RETURN_NOT_OK(
      root.only({"preprocess", "title", "version", "from", "enrich", "fit", "apply", "allow_lookahead", "steps"}));
  out.text = root.json().dump();
  ARROW_ASSIGN_OR_RAISE(const Node* name, root.need("preprocess"));
  ARROW_ASSIGN_OR_RAISE(out.name, name->as_string());
  if (!is_name(out.name)) return name->error(fmt::format("{} is no name", out.name), "a-z, digits and _");
  ARROW_ASSIGN_OR_RAISE(const Node* version, root.need("version"));
  ARROW_ASSIGN_OR_RAISE(out.version, version->as_string());
  if (const Node* title = root.find("title")) ARROW_RETURN_NOT_OK(read_value(*title, out.title));
  ARROW_ASSIGN_OR_RAISE(const Node* from, root.need("from"));
  From source;
  ARROW_RETURN_NOT_OK(read_config(*from, source));
  if (source.table.empty()) return from->error("from names no table", "from: {table: sp500}");
  out.table = source.table, out.columns = source.columns, out.session = session_hours(source.session);
  ARROW_ASSIGN_OR_RAISE(out.start, date_of(*from, source.start));
  if (const Node* enrich = root.find("enrich")) {
    Reference reference;
    ARROW_RETURN_NOT_OK(read_config(*enrich, reference));
    out.enrich.table = reference.table, out.enrich.columns = reference.columns;
  }
  const Node *fit = root.find("fit"), *apply = root.find("apply");
  if (fit != nullptr) {
    Days days;
    ARROW_RETURN_NOT_OK(read_config(*fit, days));
    ARROW_ASSIGN_OR_RAISE(auto first, date_of(*fit, days.start));
    ARROW_ASSIGN_OR_RAISE(auto last, date_of(*fit, days.end));
    if (!first || !last || *last < *first)
      return fit->error("fit is a range of sessions", "fit: {start: 2013-02-08, end: 2016-12-30}");
    out.fit = DateRange{*first, *last};
  }
  if (apply != nullptr) {
    Days days;
    ARROW_RETURN_NOT_OK(read_config(*apply, days));
    ARROW_ASSIGN_OR_RAISE(out.apply_start, date_of(*apply, days.start));
    ARROW_ASSIGN_OR_RAISE(out.apply_end, date_of(*apply, days.end));
  }
  if (const Node* allow = root.find("allow_lookahead")) {
    ARROW_ASSIGN_OR_RAISE(out.allow_lookahead, allow->as_boolean());
  }
  ARROW_ASSIGN_OR_RAISE(const Node* steps, root.need("steps"));
  ARROW_RETURN_NOT_OK(Reader(out).steps(*steps));
  for (const TransformSpec& one : out.steps)
    if (one.fitted() && !out.fit)
      return steps->error(fmt::format("{} takes statistics, and nothing says of which sessions", one.name),
                          "fit: {start: 2013-02-08, end: 2016-12-30}");
  if (out.fitted() && !out.apply_start && apply == nullptr) out.apply_start = out.fit->last + 1;
  if (out.fitted() && !out.apply_start) out.apply_start = out.start.value_or(out.fit->first);
  if (const auto ahead = looks_ahead(out); !ahead.empty() && !out.allow_lookahead)
    return (apply != nullptr && ahead.back().starts_with("statistics") ? apply : steps)
        ->error("this looks ahead: " + ahead.back(),
                "apply after the fit range, fill by what came before; or say allow_lookahead: true, and the result "
                "says it");
  return out;
}

}  // namespace tapemill::analytics
