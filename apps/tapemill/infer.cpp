#include "sources/infer.h"

#include <filesystem>

#include "command.h"
#include "core/json.h"
#include "core/output_file.h"
#include "core/paths.h"
#include "print.h"

namespace tapemill::app {
struct InferOptions {
  std::string file, table, calendar = "nyse", out;
};
}  // namespace tapemill::app
namespace tapemill {
template <>
inline constexpr auto fields<app::InferOptions> =
    std::tuple{field("file", &app::InferOptions::file, "a CSV, packed or plain"),
               field("table", &app::InferOptions::table, "the data set's name; else that of --out, or the file's"),
               field("calendar", &app::InferOptions::calendar, "whose sessions its dates are: nyse, nse, nse_fo"),
               field("out", &app::InferOptions::out, "write the spec there instead of printing it")};
}  // namespace tapemill

namespace tapemill::app {
namespace {

std::string table_of(const std::string& file) {
  std::string name;
  for (char c : std::filesystem::path(file).filename().string()) {
    if (c == '.' && !name.empty()) break;
    const auto letter = static_cast<unsigned char>(c);
    if (std::isalnum(letter) && letter < 0x80) name += static_cast<char>(std::tolower(letter));
    else if (!name.empty() && name.back() != '_') name += '_';
  }
  while (!name.empty() && name.back() == '_') name.pop_back();
  return name.empty() ? "table" : name;
}

Status run(const InferOptions& options, Context& context) {
  ARROW_ASSIGN_OR_RAISE(auto found, sources::infer(options.file));
  const std::string table = !options.table.empty() ? options.table
                            : !options.out.empty() ? table_of(options.out)
                                                   : table_of(options.file);
  const std::string name = std::filesystem::path(options.file).filename().string();
  const std::string spec = sources::spec_of(found, table, options.calendar, name);
  if (!options.out.empty()) {
    if (std::filesystem::exists(options.out))
      return usage_error(options.out + " is there already", "nothing is overwritten: remove it, or name another --out");
    ARROW_RETURN_NOT_OK(check_output(options.out));
    ARROW_RETURN_NOT_OK(write_file_atomically(options.out, spec));
  }
  if (context.json) {
    Json columns = Json::array();
    for (const auto& one : found.columns)
      columns.push_back({{"name", one.column.name},
                         {"header", one.header},
                         {"type", one.column.type()->ToString()},
                         {"format", one.format},
                         {"evidence", one.evidence}});
    print(Json{{"table", table},
               {"encoding", found.encoding},
               {"delimiter", std::string(1, found.delimiter)},
               {"header", found.header},
               {"rows_sampled", found.sampled},
               {"key", found.key},
               {"key_is_unique", found.unique},
               {"columns", columns},
               {"spec", spec}});
  } else if (options.out.empty()) {
    print(spec);
  } else {
    print(fmt::format("{} written: {} columns from {} rows\n  tapemill ingest {} {}\n", options.out,
                      found.columns.size(), thousands(found.sampled), options.out, options.file));
  }
  return Status::OK();
}

}  // namespace

Command infer_command() {
  return command<InferOptions>(
      "infer", "A spec for a CSV: encoding, delimiter, header, types and dates, with the evidence", {"file"},
      "  tapemill infer prices.csv.zip\n  tapemill infer prices.csv --out datasets/prices.yaml", run);
}

}  // namespace tapemill::app
