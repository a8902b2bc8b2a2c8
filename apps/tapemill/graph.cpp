#include "graph/run.h"

#include <algorithm>
#include <filesystem>

#include "command.h"
#include "core/json.h"
#include "core/paths.h"
#include "graph/draw.h"
#include "graph/plan.h"
#include "print.h"

namespace tapemill::app {
struct GraphFile {
  std::string file;
};
struct GraphDraw {
  std::string file, format = "text";
};
struct GraphRun {
  std::string file, table, checkpoint;
  bool resume = false;
  int rows_per_message = 1;
  std::int64_t max_rows = 0;
};
}  // namespace tapemill::app
namespace tapemill {
inline constexpr const char* kGraphHelp = "a graph: the path of its JSON, or the name of one in graphs/";
template <>
inline constexpr auto fields<app::GraphFile> = std::tuple{field("file", &app::GraphFile::file, kGraphHelp)};
template <>
inline constexpr auto fields<app::GraphDraw> =
    std::tuple{field("file", &app::GraphDraw::file, kGraphHelp),
               field("format", &app::GraphDraw::format, "boxes for a terminal, or Graphviz", "text|dot")};
template <>
inline constexpr auto fields<app::GraphRun> = std::tuple{
    field("file", &app::GraphRun::file, kGraphHelp),
    field("table", &app::GraphRun::table, "a table of the lake to read in place of those that the graph names"),
    field("max_rows", &app::GraphRun::max_rows, "stop after so many rows (0: all)", 0, 1e18),
    field("checkpoint", &app::GraphRun::checkpoint,
          "where the run is kept when it stops early, by --max-rows or Ctrl-C"),
    field("resume", &app::GraphRun::resume, "go on from the checkpoint"),
    field("rows_per_message", &app::GraphRun::rows_per_message,
          "rows that go through the nodes together; the result is the same", 1, 1000000)};
}  // namespace tapemill

namespace tapemill::app {
namespace {

/// A lake is opened where a node reads one; without it the node's finding says what is missing.
Result<std::optional<lake::Lake>> lake_of(const graph::GraphDocument& document, Context& context) {
  for (const auto& node : document.nodes) {
    if (node.what.rfind("lake://", 0) != 0) continue;
    auto lake = context.lake();
    if (lake.ok()) return std::optional(*lake);
  }
  return std::optional<lake::Lake>{};
}

std::string hint_of(const Status& status) {
  const auto& detail = status.detail();
  return detail != nullptr ? detail->ToString() : std::string{};
}

Json node_json(const graph::GraphDocument& document, const graph::PlannedNode& planned) {
  const graph::GraphNode& node = document.nodes[planned.index];
  Json columns = Json::array(), from = Json::array();
  if (!planned.streams.empty())
    for (const auto& field : planned.streams.front().schema.fields)
      columns.push_back({{"name", field.name}, {"type", field.type()}});
  for (std::size_t one : node.from) from.push_back(document.nodes[one].name);
  return {{"name", node.name}, {"type", graph::name(node.type)},        {"what", node.what},
          {"from", from},      {"depends", planned.calculator.depends}, {"notes", planned.calculator.notes},
          {"columns", columns}};
}

/// Paths by name; the user's before ours.
std::map<std::string, std::string> graphs_there_are() {
  std::map<std::string, std::string> files;
  for (const std::string& folder : {std::string("graphs"), share_folder() + "/graphs"}) {
    std::error_code failed;
    for (std::filesystem::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed))
      if (at->path().extension() == ".json") files.emplace(at->path().stem().string(), at->path().string());
  }
  return files;
}

/// The document of a name or path. Usage error for one that is not there, with the nearest name and all.
Result<graph::GraphDocument> read_graph(const std::string& name_or_path) {
  const std::string path = graph::find_graph(name_or_path);
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) return graph::GraphDocument::read(path);
  std::vector<std::string> names;
  for (const auto& [name, file] : graphs_there_are()) names.push_back(name);
  const std::string near = nearest(std::filesystem::path(name_or_path).stem().string(), names);
  return usage_error(fmt::format("there is no graph {}", name_or_path),
                     (near.empty() ? "" : fmt::format("did you mean {}? ", near)) +
                         fmt::format("graphs: {}; or the path of a JSON file", fmt::join(names, ", ")));
}

/// The same graph with the rows of `table` where it names a table of the lake.
Result<graph::GraphDocument> over_table(const graph::GraphDocument& document, const std::string& table) {
  ARROW_ASSIGN_OR_RAISE(auto name, lake::TableName::parse(table));
  ARROW_ASSIGN_OR_RAISE(std::string text, read_file(document.path));
  bool found = false;
  for (const auto& node : document.nodes) {
    if (node.type != graph::NodeType::subscriber || !node.what.starts_with("lake://")) continue;
    const std::string query = node.what.find('?') == std::string::npos ? "" : node.what.substr(node.what.find('?'));
    const std::string was = Json(node.what).dump(), is = Json("lake://" + name.str() + query).dump();
    for (std::size_t at = 0; (at = text.find(was, at)) != std::string::npos; at += is.size())
      text.replace(at, was.size(), is), found = true;
  }
  if (!found)
    return usage_error(fmt::format("--table {}: {} reads no table of the lake", table, document.name),
                       "its sources stand in " + document.path);
  return graph::GraphDocument::parse(std::move(text), document.path);
}

Status list(const NoOptions&, Context& context) {
  const auto files = graphs_there_are();
  Json all = Json::array();
  TextTable text({"graph", "nodes>", "file"});
  for (const auto& [name, path] : files) {
    auto document = graph::GraphDocument::read(path);
    all.push_back({{"graph", name},
                   {"path", path},
                   {"nodes", document.ok() ? Json(document->nodes.size()) : Json()},
                   {"error", document.ok() ? Json() : Json(document.status().message())}});
    text.add({name, document.ok() ? std::to_string(document->nodes.size()) : kNull,
              document.ok() ? path : document.status().message()});
  }
  if (context.json) return print(Json{{"graphs", all}}), Status::OK();
  print(text.str(terminal_width()));
  print(std::string("tapemill graph check NAME tells what one does; graphs are read from graphs/NAME.json\n"));
  return Status::OK();
}

Status check(const GraphFile& options, Context& context) {
  ARROW_ASSIGN_OR_RAISE(auto document, read_graph(options.file));
  ARROW_ASSIGN_OR_RAISE(auto lake, lake_of(document, context));
  const graph::Plan plan = graph::plan(document, {lake ? &*lake : nullptr, &context.workers, context.budget});
  std::size_t absent = 0, edges = 0;
  for (const auto& finding : plan.findings) absent += finding.absent;
  for (const auto& node : document.nodes) edges += node.to.size();
  if (context.json) {
    Json nodes = Json::array(), findings = Json::array();
    for (const auto& node : plan.nodes) nodes.push_back(node_json(document, node));
    for (const auto& finding : plan.findings)
      findings.push_back({{"node", finding.node},
                          {"absent", finding.absent},
                          {"message", finding.status.message()},
                          {"hint", hint_of(finding.status)}});
    print(Json{{"graph", document.name},
               {"path", document.path},
               {"structure", "ok"},
               {"runs", plan.findings.empty()},
               {"clones", plan.clones},
               {"timezone", plan.zone.name()},
               {"nodes", nodes},
               {"findings", findings}});
  } else {
    print(fmt::format("{}: {}, {}, {}: the structure is sound\n", document.name,
                      counted(static_cast<std::int64_t>(document.nodes.size()), "node"),
                      counted(static_cast<std::int64_t>(edges), "edge"), counted(plan.clones, "clone")));
    TextTable table({"node", "does", "reads", "gives"});
    for (const auto& planned : plan.nodes) {
      const auto& node = document.nodes[planned.index];
      std::string gives =
          planned.streams.empty()
              ? kNull
              : counted(static_cast<std::int64_t>(planned.streams.front().schema.fields.size()), "column");
      table.add(
          {node.name, node.what,
           planned.calculator.depends.empty() ? kNull : fmt::format("{}", fmt::join(planned.calculator.depends, ", ")),
           gives});
    }
    print(table.str(terminal_width()));
    for (const auto& planned : plan.nodes)
      for (const std::string& note : planned.calculator.notes)
        print(fmt::format("  {}: {}\n", document.nodes[planned.index].name, note));
    for (const auto& finding : plan.findings) print(render(finding.status, context.colour));
  }
  if (plan.findings.empty()) {
    if (!context.json) print("it can run: tapemill graph run " + options.file + "\n");
    return Status::OK();
  }
  const std::size_t wrong = plan.findings.size() - absent;
  std::string what = absent > 0 ? fmt::format("{} of its nodes need what this version has not", absent) : "";
  if (wrong > 0)
    what += fmt::format("{}{} of its nodes {} wrong", what.empty() ? "" : ", ", wrong, wrong == 1 ? "is" : "are");
  const std::string said = fmt::format("{} cannot run: {}", document.name, what);
  return wrong > 0 ? usage_error(said, "the findings above say what to mend") : data_error(said);
}

std::string time_of(std::int64_t nanoseconds) {
  const double s = static_cast<double>(nanoseconds) / 1e9;
  return s >= 1      ? fmt::format("{:.2f} s", s)
         : s >= 1e-3 ? fmt::format("{:.1f} ms", s * 1e3)
                     : fmt::format("{:.1f} us", s * 1e6);
}

/// The event time of the last row: of a table of sessions its date.
std::string event_time(std::int64_t clock, const graph::Plan& plan, const Context& context) {
  const bool times =
      std::any_of(plan.nodes.begin(), plan.nodes.end(), [](const auto& n) { return n.source.time_of_day; });
  if (!times && clock % kDay == 0) return Date{static_cast<std::int32_t>(clock / kDay)}.str();
  return when(Instant{clock}, context, plan.zone);
}

void print_report(const graph::RunReport& report, const graph::Plan& plan, const Context& context) {
  TextTable table({"node", "does", "messages>", "rows in>", "rows out>", "time>", "errors>"});
  for (const auto& node : report.nodes) {
    const auto& m = node.metrics;
    table.add({node.name, node.what, thousands(m.messages), thousands(m.rows_in), thousands(m.rows_out),
               time_of(m.nanoseconds), thousands(m.errors)});
  }
  print(table.str(terminal_width()));
  print(fmt::format(
      "{} in {:.2f} s, {} rows/s, {}{}\n", counted(report.rows, "row"), report.seconds,
      thousands(static_cast<std::int64_t>(static_cast<double>(report.rows) / std::max(report.seconds, 1e-9))),
      counted(report.clones, "clone"), report.clock ? ", event time " + event_time(*report.clock, plan, context) : ""));
  for (const auto& output : report.outputs)
    print(fmt::format("{}: {}{} into {}\n", output.node, counted(output.rows, "row"),
                      output.bytes > 0 ? ", " + format_bytes(output.bytes) : "", output.place));
  if (report.outside > 0)
    print(fmt::format("outside start_time and duration, not seen: {}\n", counted(report.outside, "row")));
  if (report.dead > 0) {
    print(fmt::format(
        "{} did not parse{}\n", counted(report.dead, "row"),
        report.dead_files.empty() ? "" : fmt::format("; they are in {}", fmt::join(report.dead_files, ", "))));
    for (const auto& row : report.first_dead) print(fmt::format("  {}:{}: {}\n", row.file, row.line, row.reason));
  }
  if (!report.checkpoint.empty())
    print(fmt::format("stopped; it goes on with --resume --checkpoint {}\n", report.checkpoint));
  else if (report.stopped) print(std::string("stopped before the end of its sources\n"));
}

Status run(const GraphRun& options, Context& context) {
  ARROW_ASSIGN_OR_RAISE(auto document, read_graph(options.file));
  if (!options.table.empty()) { ARROW_ASSIGN_OR_RAISE(document, over_table(document, options.table)); }
  ARROW_ASSIGN_OR_RAISE(auto lake, lake_of(document, context));
  const graph::Surroundings around{lake ? &*lake : nullptr, &context.workers, context.budget};
  const graph::Plan plan = graph::plan(document, around);
  for (std::size_t i = 1; i < plan.findings.size(); ++i)
    fmt::print(stderr, "{}", render(plan.findings[i].status, context.colour));
  graph::RunOptions run_options;
  run_options.rows_per_message = static_cast<std::size_t>(options.rows_per_message);
  run_options.most_rows = options.max_rows;
  run_options.checkpoint = options.checkpoint;
  run_options.resume = options.resume;
  run_options.stop = interrupt();
  ARROW_ASSIGN_OR_RAISE(auto report, graph::run(document, plan, around, run_options));
  if (context.json) print(report.json());
  else print_report(report, plan, context);
  return Status::OK();
}

Status draw(const GraphDraw& options, Context& context) {
  ARROW_ASSIGN_OR_RAISE(auto document, read_graph(options.file));
  std::string drawing;
  if (options.format == "dot") drawing = graph::draw_dot(document);
  else ARROW_RETURN_NOT_OK(graph::draw_text(document).Value(&drawing));
  if (context.json) print(Json{{"graph", document.name}, {"format", options.format}, {"drawing", drawing}});
  else print(drawing);
  return Status::OK();
}

}  // namespace

Command graph_list_command() {
  return command<NoOptions>("graph list", "The graphs there are", {},
                            "  tapemill graph list\n  tapemill graph list --json", list);
}
Command graph_check_command() {
  return command<GraphFile>(
      "graph check", "Judge a graph document: structure, columns, what this version has", {"file"},
      "  tapemill graph check technical_analysis\n  tapemill graph check my/graph.json --json", check);
}
Command graph_run_command() {
  return command<GraphRun>(
      "graph run", "Run a graph over recorded rows, in event order", {"file"},
      "  tapemill graph run technical_analysis --table sp500\n"
      "  tapemill graph run my/graph.json --table sp500 --max-rows 1000 --checkpoint my.checkpoint\n"
      "  tapemill graph run my/graph.json --table sp500 --resume --checkpoint my.checkpoint",
      run);
}
Command graph_draw_command() {
  return command<GraphDraw>(
      "graph draw", "A graph as boxes and lines", {"file"},
      "  tapemill graph draw technical_analysis\n  tapemill graph draw my/graph.json --format dot | dot -Tsvg > my.svg",
      draw);
}

}  // namespace tapemill::app
