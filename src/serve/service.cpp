#include "serve/service.h"

#include <arrow/type.h>

#include "backtest/ledger.h"
#include "core/build_info.h"
#include "core/json.h"
#include "core/paths.h"
#include "lake/about.h"
#include "lake/files.h"
#include "pipeline/report_parts.h"
#include "pipeline/status.h"

namespace tapemill::serve {
namespace {

Response json(int status, const Json& body) {
  return {status, "application/json", body.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"};
}
Response failed(int status, const std::string& what, const std::string& hint = {}) {
  Json body{{"error", what}};
  if (!hint.empty()) body["hint"] = hint;
  return json(status, body);
}
Response failed(const Status& status) {
  int code = exit_code(status);
  return failed(code == 2 ? 404 : code == 3 ? 503 : 500, status.message());
}

/// Equal only when every byte is; the time tells nothing about where they differ.
bool same_secret(const std::string& a, const std::string& b) {
  unsigned char differ = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < b.size(); ++i) differ |= static_cast<unsigned char>((i < a.size() ? a[i] : 0) ^ b[i]);
  return differ == 0;
}

/// A run's id or a table's name: letters, digits, _, - and . inside; never a path.
bool plain_name(const std::string& name) {
  return !name.empty() && name.size() < 200 && name.front() != '.' &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") ==
             std::string::npos;
}

Result<Json> table_json(const lake::Lake& lake, const lake::TableName& name, bool columns) {
  bool view = name.layer == lake::Layer::silver && lake.silver_is_view(name.table);
  ARROW_ASSIGN_OR_RAISE(auto snapshot,
                        lake.table(view ? lake::TableName{lake::Layer::bronze, name.table} : name).snapshot());
  Json one{{"table", name.str()},
           {"kind", view ? "view" : "table"},
           {"rows", snapshot.rows()},
           {"files", snapshot.parts.size()},
           {"bytes", snapshot.bytes()},
           {"version", snapshot.version},
           {"last_commit", Instant{snapshot.timestamp_ms * 1000}.str()}};
  if (!columns) return one;
  Json list = Json::array();
  for (const auto& field : snapshot.schema->fields())
    list.push_back({{"name", field->name()}, {"type", field->type()->ToString()}, {"nullable", field->nullable()}});
  one["partitions"] = snapshot.partitions;
  one["columns"] = list;
  return one;
}

Result<Json> tables_json(const lake::Lake& lake) {
  ARROW_ASSIGN_OR_RAISE(auto names, lake.tables());
  ARROW_ASSIGN_OR_RAISE(auto states, pipeline::status_of(lake));
  Json list = Json::array();
  for (const auto& name : names) {
    auto read = table_json(lake, name, false);
    if (!read.ok()) {  // one that is damaged does not hide the others
      list.push_back({{"table", name.str()}, {"damaged", read.status().message()}});
      continue;
    }
    Json one = *std::move(read);
    for (const auto& state : states)
      if (state.table == name.table && name.layer != lake::Layer::landing) {
        one["first_session"] = state.first ? Json(state.first->str()) : Json();
        one["last_session"] = state.last ? Json(state.last->str()) : Json();
        one["missing_sessions"] = state.missing.size();
        one["rows_quarantined"] = state.quarantined;
        if (!state.damage.empty()) one["damaged"] = state.damage;
      }
    list.push_back(std::move(one));
  }
  return Json{{"lake", lake.root()}, {"tables", list}};
}

/// RUN.json of each folder under LAKE/runs, newest folder first.
Result<Json> run_json(const std::string& folder) {
  ARROW_ASSIGN_OR_RAISE(std::string text, lake::read_whole(folder + "/RUN.json"));
  Json run = Json::parse(text, nullptr, false);
  if (run.is_discarded()) return data_error(folder + "/RUN.json: is not JSON");
  return run;
}

Response runs(const lake::Lake& lake) {
  Json list = Json::array();
  const std::string folder = lake.root() + "/runs";
  for (const std::string& id : lake::list_folder(folder).ValueOr(std::vector<std::string>{})) {
    auto run = plain_name(id) ? run_json(folder + "/" + id) : Result<Json>(data_error("no run"));
    if (run.ok()) list.push_back({{"run_id", id}, {"run", *run}});
  }
  return json(200, {{"runs", list}});
}

Response page(const std::string& path) {
  auto text = lake::read_whole(path);
  if (!text.ok()) return failed(404, "there is no report yet", "tapemill demo writes one");
  return {200, "text/html; charset=utf-8", *std::move(text)};
}

Response home(const lake::Lake& lake) {
  std::string escaped;
  for (char c : lake.root()) escaped += c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string(1, c);
  const std::string report =  // only where /report has one
      lake::file_exists(lake.root() + "/reports/demo.html")
          ? "<li><a href=\"/report\">Report</a>: of the demo that ran here</li>"
          : "";
  return {200, "text/html; charset=utf-8",
          "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
          "content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\">"
          "<title>Tapemill</title><body style=\"font:14px system-ui;max-width:60ch;margin:48px auto;padding:0 "
          "16px\"><h1>Tapemill</h1><p>" +
              escaped + "</p><ul>" + report +
              "<li><a href=\"/api/tables\">Tables</a>: rows, sizes, freshness, versions</li>"
              "<li><a href=\"/api/runs\">Runs</a>: backtests, each with a page at /report/RUN_ID</li><li><a "
              "href=\"/health\">Health</a></li></ul></body></html>\n"};
}

}  // namespace

Response Service::answer(const Request& request) const {
  if (!token_.empty() && request.path != "/health") {
    auto given = request.headers.find("authorization");
    if (given == request.headers.end() || !same_secret(given->second, "Bearer " + token_))
      return failed(401, "a token is needed", "send Authorization: Bearer TOKEN");
  }
  if (request.method != "GET" && request.method != "HEAD")
    return failed(405, "only GET and HEAD are served", "the API reads the lake; what changes it are commands");
  return route(request);
}

Response Service::route(const Request& request) const {
  const std::string& path = request.path;
  if (path == "/") return home(lake_);
  if (path == "/health") {
    auto names = lake_.tables();
    auto found = lake::damaged_tables(lake_);
    if (!names.ok() || !found.ok())
      return json(503, {{"status", "failing"},
                        {"error", (names.ok() ? found.status() : names.status()).message()},
                        {"version", version()}});
    Json damaged = Json::array();
    for (const auto& [name, what] : *found) damaged.push_back(name.str());
    return json(200, {{"status", damaged.empty() ? "ok" : "degraded"},
                      {"damaged", damaged},
                      {"version", version()},
                      {"source", std::string(source_hash()).substr(0, 12)},
                      {"tables", names->size()}});
  }
  if (path == "/api/tables") {
    auto tables = tables_json(lake_);
    return tables.ok() ? json(200, *tables) : failed(tables.status());
  }
  if (path.starts_with("/api/tables/")) {
    std::string text = path.substr(12);
    auto name = plain_name(text) ? lake::TableName::parse(text) : Result<lake::TableName>(usage_error("no such table"));
    auto names = lake_.tables();
    if (!name.ok() || !names.ok()) return failed(404, "no such table", "/api/tables lists them");
    for (const auto& one : *names)
      if (one.str() == name->str()) {
        auto table = table_json(lake_, *name, true);
        return table.ok() ? json(200, *table) : failed(table.status());
      }
    return failed(404, "no such table: " + name->str(), "/api/tables lists them");
  }
  if (path == "/api/runs") return runs(lake_);
  if (path.starts_with("/api/runs/")) {
    std::string id = path.substr(10);
    if (!plain_name(id)) return failed(404, "no such run", "/api/runs lists them");
    auto run = run_json(lake_.root() + "/runs/" + id);
    return run.ok() ? json(200, {{"run_id", id}, {"run", *run}})
                    : failed(404, "no such run: " + id, "/api/runs lists them");
  }
  if (path.starts_with("/report/")) {
    const std::string id = path.substr(8);
    if (!plain_name(id)) return failed(404, "no such run", "/api/runs lists them");
    auto run = backtest::load(lake_, id);
    if (!run.ok()) return failed(404, "no such run: " + id, "/api/runs lists them");
    auto text = pipeline::run_page(*run);
    return text.ok() ? Response{200, "text/html; charset=utf-8", *std::move(text)} : failed(text.status());
  }
  if (path == "/report") {
    const std::string demo = lake_.root() + "/reports/demo.html";
    if (!lake::file_exists(demo)) {
      auto runs = backtest::runs(lake_);
      if (runs.ok() && !runs->empty())
        return failed(
            404, "there is no report of a demo here",
            fmt::format("the newest backtest's is at /report/{}; /api/runs lists them all", runs->front().run_id));
    }
    return page(demo);
  }
  return failed(404, "nothing is at " + path, "/ shows what there is");
}

}  // namespace tapemill::serve
