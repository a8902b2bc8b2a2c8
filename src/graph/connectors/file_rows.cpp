#include "graph/connectors/file_rows.h"

#include <deque>
#include <filesystem>

#include "core/document.h"
#include "sources/text.h"

namespace tapemill::graph {
namespace {

constexpr std::size_t kBlock = 1 << 20;

Status read_csv(const std::string& path, const std::function<Result<bool>(const RawRow&)>& each) {
  sources::Header header;
  {
    ARROW_ASSIGN_OR_RAISE(auto head, sources::open_bytes(path));
    std::string first(sources::kLongestLine, '\0');
    std::size_t size = 0;
    while (size < first.size() && first.find('\n') >= size) {
      ARROW_ASSIGN_OR_RAISE(std::size_t n, head->read(first.data() + size, first.size() - size));
      if (n == 0) break;
      size += n;
    }
    first.resize(size);
    ARROW_ASSIGN_OR_RAISE(header, sources::parse_header(first, path));
  }
  ARROW_ASSIGN_OR_RAISE(auto bytes, sources::open_bytes(path));
  sources::TextReader reader(std::move(bytes), kBlock, true);
  sources::Block block;
  RawRow row;
  std::string reason;
  std::deque<std::string> spare;
  for (;;) {
    ARROW_ASSIGN_OR_RAISE(bool more, reader.next(block));
    for (const auto& bad : block.unreadable) {
      row.line = bad.line, row.raw = bad.raw, row.reason = bad.reason, row.cells.clear();
      ARROW_ASSIGN_OR_RAISE(bool on, each(row));
      if (!on) return Status::OK();
    }
    for (const auto& record : block.records) {
      row.line = record.line, row.raw = block.raw(record), row.reason = {}, row.cells.clear();
      spare.clear();
      if (record.fields != header.names.size()) {
        reason = fmt::format("has {} fields, the header has {}", record.fields, header.names.size());
        row.reason = reason;
      }
      for (std::uint32_t i = 0; row.reason.empty() && i < record.fields; ++i) {
        std::string_view text = block.field(record, i, spare);
        row.cells.push_back({header.names[i], text.empty() ? std::nullopt : std::optional(text)});
      }
      ARROW_ASSIGN_OR_RAISE(bool on, each(row));
      if (!on) return Status::OK();
    }
    if (!more) return Status::OK();
  }
}

Result<bool> json_line(std::string_view line, std::int64_t number, RawRow& row,
                       const std::function<Result<bool>(const RawRow&)>& each) {
  row.line = number, row.raw = line, row.reason = {}, row.cells.clear();
  std::string reason;
  auto document = Document::parse_json(std::string(line), "");
  if (!document.ok()) {
    const std::string message = document.status().message();
    auto at = message.find(": ");
    reason = at == std::string::npos ? message : message.substr(at + 2);
  } else if (!document->root().is_map()) {
    reason = "is no JSON object";
  } else {
    for (const auto& [key, value] : document->root().members) {
      if (!value.is_scalar())
        reason = fmt::format("{} is a {}, not a value", key.text, value.is_list() ? "list" : "map");
      row.cells.push_back(
          {key.text, value.type == Node::Type::null ? std::nullopt : std::optional<std::string_view>(value.text)});
    }
  }
  if (!reason.empty()) row.reason = reason, row.cells.clear();
  return each(row);
}

Status read_json_lines(const std::string& path, const std::function<Result<bool>(const RawRow&)>& each) {
  ARROW_ASSIGN_OR_RAISE(auto bytes, sources::open_bytes(path));
  std::string text, block(kBlock, '\0');
  std::int64_t line = 0;
  bool skipping = false;  // the rest of a line that was refused for its length
  RawRow row;
  for (bool ended = false; !ended;) {
    ARROW_ASSIGN_OR_RAISE(std::size_t n, bytes->read(block.data(), block.size()));
    ended = n == 0;
    text.append(block, 0, n);
    std::size_t start = 0;
    while (start < text.size()) {
      auto end = text.find('\n', start);
      if (end == std::string::npos && !ended) {
        if (text.size() - start > static_cast<std::size_t>(sources::kLongestLine) && !skipping) {
          row.line = ++line, row.raw = std::string_view(text).substr(start, sources::kKeptOfLongLine),
          row.reason = "a line of over 1 MB", row.cells.clear();
          ARROW_ASSIGN_OR_RAISE(bool on, each(row));
          if (!on) return Status::OK();
          skipping = true;
        }
        if (skipping) start = text.size();
        break;
      }
      end = std::min(end, text.size());
      std::string_view one(text.data() + start, end - start);
      start = end + 1;
      if (std::exchange(skipping, false)) continue;
      ++line;
      if (line == 1 && one.substr(0, 3) == "\xEF\xBB\xBF") one.remove_prefix(3);
      if (!one.empty() && one.back() == '\r') one.remove_suffix(1);
      if (one.find_first_not_of(" \t") == std::string_view::npos) continue;
      ARROW_ASSIGN_OR_RAISE(bool on, json_line(one, line, row, each));
      if (!on) return Status::OK();
    }
    text.erase(0, std::min(start, text.size()));
  }
  return Status::OK();
}

}  // namespace

Result<FileForm> file_form(const std::string& path) {
  std::filesystem::path name(path);
  if (name.extension() == ".gz") name = name.stem();
  const std::string ending = name.extension().string();
  if (ending == ".csv" || ending == ".txt") return FileForm::csv;
  if (ending == ".jsonl" || ending == ".ndjson" || ending == ".json") return FileForm::json_lines;
  return usage_error(fmt::format("the form of {} cannot be told by its ending", path),
                     "forms: .csv, .jsonl, and the same with .gz");
}

Status read_rows(const std::string& path, FileForm form, const std::function<Result<bool>(const RawRow&)>& each) {
  return form == FileForm::csv ? read_csv(path, each) : read_json_lines(path, each);
}

}  // namespace tapemill::graph
