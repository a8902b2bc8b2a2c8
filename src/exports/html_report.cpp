#include "exports/html_report.h"

#include <cmath>
#include <string_view>
#include <type_traits>

#include "core/json.h"
#include "exports/report_check.h"
#include "exports/report_template.h"

// The form that is written here is declared in web/report/src/document.ts; the two change together.
namespace tapemill::exports {
namespace {

constexpr int kFormat = 1;

void put(Json& json, const char* key, const std::string& value) {  // what is empty is left out
  if (!value.empty()) json[key] = value;
}
void put(Json& json, const char* key, const std::optional<int>& value) {
  if (value) json[key] = *value;
}
void put(Json& json, const char* key, bool value) {
  if (value) json[key] = true;
}

/// Null where there is no number. Whole numbers go without ".0", which saves a fifth of a file of prices.
Json number(double value) {
  if (!std::isfinite(value)) return nullptr;
  if (value == std::floor(value) && std::fabs(value) < 9e15) return static_cast<std::int64_t>(value);
  return value;
}

Json cell(const Cell& value) {
  auto write = [](const auto& v) -> Json {
    using T = std::decay_t<decltype(v)>;
    if constexpr (std::is_same_v<T, std::monostate>) {
      return nullptr;
    } else if constexpr (std::is_same_v<T, double>) {
      return number(v);
    } else {
      return v;
    }
  };
  return std::visit(write, value);
}

template <class T, class Write>
Json list(const std::vector<T>& items, Write write) {
  Json out = Json::array();
  for (const T& item : items) out.push_back(write(item));
  return out;
}

Json begin(const char* kind, const Caption& caption) {
  Json json{{"kind", kind}, {"title", caption.title}};
  put(json, "source", caption.source);
  put(json, "anchor", caption.anchor);
  put(json, "empty", caption.empty);
  return json;
}

Json axis_json(const TimeAxis& axis) {
  if (axis.instants.empty()) return {{"kind", "sessions"}, {"values", axis.sessions}};
  Json json{{"kind", "instants"}, {"zone", axis.zone}, {"values", list(axis.instants, number)}};
  put(json, "ordinal", axis.ordinal);
  return json;
}

Json series_json(const Series& series) {
  static constexpr const char* kStyles[] = {"line", "area", "bars", "context"};
  Json json = Json::object();
  json["name"] = series.name;
  put(json, "unit", series.unit);
  put(json, "decimals", series.decimals);
  if (series.style != SeriesStyle::line) json["style"] = kStyles[int(series.style)];
  put(json, "family", series.family);
  json["values"] = list(series.values, number);
  return json;
}

Json pane_json(const Pane& pane) {
  Json json = Json::object();
  put(json, "title", pane.title);
  put(json, "unit", pane.unit);
  put(json, "log", pane.log);
  if (!pane.levels.empty()) json["levels"] = list(pane.levels, number);
  if (pane.height > 0) json["height"] = pane.height;
  json["series"] = list(pane.series, series_json);
  return json;
}

Json column_json(const Column& column) {
  static constexpr const char* kKinds[] = {"text", "number", "signed", "date", "time", "code"};
  Json json{{"name", column.name}, {"kind", kKinds[int(column.kind)]}};
  put(json, "unit", column.unit);
  put(json, "decimals", column.decimals);
  return json;
}

struct BlockWriter {
  Json operator()(const Table& table) const {
    Json json = begin("table", table.caption);
    json["columns"] = list(table.columns, column_json);
    json["rows"] = list(table.rows, [](const auto& row) { return list(row, cell); });
    if (table.total > 0) json["total"] = table.total;
    put(json, "zone", table.zone);
    put(json, "hint", table.hint);
    return json;
  }
  Json operator()(const Lines& lines) const {
    Json json = begin("lines", lines.caption);
    json["axis"] = axis_json(lines.axis);
    json["panes"] = list(lines.panes, pane_json);
    return json;
  }
  Json operator()(const Candles& c) const {
    Json json = begin("candles", c.caption);
    json["name"] = c.name;
    put(json, "unit", c.unit);
    json["decimals"] = c.decimals;
    json["visible"] = c.visible;
    json["axis"] = axis_json(c.axis);
    json["open"] = list(c.open, number);
    json["high"] = list(c.high, number);
    json["low"] = list(c.low, number);
    json["close"] = list(c.close, number);
    if (!c.volume.empty()) json["volume"] = list(c.volume, number);
    json["overlays"] = list(c.overlays, series_json);
    json["panes"] = list(c.panes, pane_json);
    json["markers"] = list(c.marks, [](const TradeMark& mark) {
      Json one{{"index", mark.index}, {"side", mark.is_buy ? "buy" : "sell"}};
      put(one, "text", mark.text);
      return one;
    });
    return json;
  }
  Json operator()(const Checks& checks) const {
    Json json = begin("checks", checks.caption);
    json["checks"] = list(checks.checks, [](const Check& check) {
      Json one{{"name", check.name}, {"ok", check.ok ? Json(*check.ok) : Json(nullptr)}};
      put(one, "detail", check.detail);
      return one;
    });
    return json;
  }
  Json operator()(const Bars& bars) const {
    Json json = begin("bars", bars.caption);
    put(json, "unit", bars.unit);
    put(json, "decimals", bars.decimals);
    json["categories"] = bars.categories;
    json["series"] = list(bars.series, series_json);
    return json;
  }
  Json operator()(const Code& code) const {
    Json json = begin("code", code.caption);
    json["text"] = code.text;
    return json;
  }
  Json operator()(const Notice& notice) const {
    static constexpr const char* kTones[] = {"info", "warning", "error"};
    Json json{{"kind", "notice"}, {"tone", kTones[int(notice.tone)]}, {"text", notice.text}};
    put(json, "hint", notice.hint);
    put(json, "anchor", notice.anchor);
    return json;
  }
};

Json figure_json(const Figure& figure) {
  static constexpr const char* kTones[] = {"neutral", "good", "bad"};
  Json json{{"label", figure.label}, {"value", cell(figure.value)}};
  put(json, "unit", figure.unit);
  put(json, "decimals", figure.decimals);
  put(json, "signed", figure.is_signed);
  json["tone"] = kTones[int(figure.tone)];
  put(json, "anchor", figure.anchor);
  return json;
}

Json section_json(const Section& section) {
  Json json{{"anchor", section.anchor}, {"heading", section.heading}};
  put(json, "prose", section.prose);
  json["blocks"] = list(section.blocks, [](const Block& block) { return std::visit(BlockWriter{}, block); });
  return json;
}

Json document_json(const Document& document) {
  static constexpr const char* kOutcomes[] = {"ok", "partial", "failed"};
  Json json{{"format", kFormat}, {"title", document.title}};
  put(json, "subtitle", document.subtitle);
  put(json, "picture", document.picture);
  if (const auto& verdict = document.verdict) {
    Json status{{"state", kOutcomes[int(verdict->outcome)]}, {"text", verdict->text}};
    put(status, "hint", verdict->hint);
    json["status"] = std::move(status);
  }
  json["figures"] = list(document.figures, figure_json);
  json["sections"] = list(document.sections, section_json);
  json["footer"] =
      list(document.footer, [](const auto& entry) { return Json{{"label", entry.first}, {"value", entry.second}}; });
  return json;
}

/// Text that HTML takes for nothing but text.
std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      default: out += c;
    }
  }
  return out;
}

}  // namespace

Result<std::string> render_report(const Document& document) {
  ARROW_RETURN_NOT_OK(check_report(document));
  // Quarantined rows are quoted as they came, and may be no text at all.
  const std::string data = document_json(document).dump(-1, ' ', false, Json::error_handler_t::replace);
  constexpr std::string_view kTitle = "@TITLE@", kDocument = "@DOCUMENT@";
  const std::string_view page = report_template();
  const std::size_t title = page.find(kTitle), hole = page.find(kDocument), after = title + kTitle.size();
  std::string out;
  out.reserve(page.size() + data.size() + data.size() / 64);
  out.append(page.substr(0, title)).append(escaped(document.title)).append(page.substr(after, hole - after));
  for (char c : data) {  // neither "</script" nor "<!--" may end the element early; JSON reads \u003c as "<"
    if (c == '<') {
      out += "\\u003c";
    } else {
      out += c;
    }
  }
  return out.append(page.substr(hole + kDocument.size()));
}

}  // namespace tapemill::exports
