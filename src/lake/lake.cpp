#include "lake/lake.h"

#include <unistd.h>

#include <algorithm>

#include "lake/files.h"
#include "lake/storage.h"

namespace tapemill::lake {
namespace {

constexpr Layer kLayers[] = {Layer::landing, Layer::bronze, Layer::silver, Layer::gold};

bool is_plain_name(const std::string& text) {
  auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !text.empty() && text[0] != '-' && std::all_of(text.begin(), text.end(), plain);
}

// Refused rows have no silver.
bool is_quarantine(const std::string& table) { return table.ends_with("_quarantine"); }

}  // namespace

const char* name(Layer layer) {
  switch (layer) {
    case Layer::landing: return "landing";
    case Layer::bronze: return "bronze";
    case Layer::silver: return "silver";
    case Layer::gold: return "gold";
  }
  return "";
}

Result<TableName> TableName::parse(const std::string& text) {
  const auto dot = text.find('.');
  TableName out;
  out.table = dot == std::string::npos ? text : text.substr(dot + 1);
  if (dot != std::string::npos) {
    const std::string layer = text.substr(0, dot);
    if (layer == "landing") out.layer = Layer::landing;
    else if (layer == "bronze" || layer == "raw") out.layer = Layer::bronze;
    else if (layer == "silver" || layer == "normalized") out.layer = Layer::silver;
    else if (layer == "gold" || layer == "features") out.layer = Layer::gold;
    else
      return usage_error(fmt::format("\"{}\": there is no layer \"{}\"", text, layer),
                         "layers are landing, bronze, silver and gold");
  }
  if (!is_plain_name(out.table)) {
    return usage_error(fmt::format("\"{}\" is not a table's name", text),
                       "a name is letters, digits, _ and -, such as sp500 or bronze.sp500");
  }
  return out;
}

std::string TableName::str() const { return std::string(name(layer)) + "." + table; }

Result<Lake> Lake::open(const std::string& root, bool create) {
  std::string path = root;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  if (path.empty()) return usage_error("the lake has no folder", "name one with --lake DIR or $TAPEMILL_LAKE");
  if (S3Place::is(path)) {
    ARROW_RETURN_NOT_OK(S3Place::parse(path).status());
    // A bucket that cannot be asked is no empty lake.
    ARROW_ASSIGN_OR_RAISE(const bool there, storage_of(path).has_folder(path));
    if (!there && !create)
      return usage_error("there is no lake at " + path,
                         "tapemill ingest makes one; --lake s3://BUCKET/PREFIX or $TAPEMILL_LAKE names another");
    Lake lake;
    lake.root_ = std::move(path);
    return lake;
  }
  if (!folder_exists(path)) {
    if (file_exists(path))
      return usage_error(path + " is a file, not a lake", "name a folder with --lake DIR or $TAPEMILL_LAKE");
    if (!create)
      return usage_error("there is no lake at " + path,
                         "tapemill ingest makes one; --lake DIR or $TAPEMILL_LAKE names another");
    ARROW_RETURN_NOT_OK(make_folders(path));
  }
  if (::access(path.c_str(), R_OK | X_OK) != 0) return errno_error("cannot read the lake " + path, errno);
  Lake lake;
  lake.root_ = std::move(path);
  return lake;
}

Table Lake::table(const TableName& table) const {
  return Table(fmt::format("{}/{}/{}", root_, name(table.layer), table.table), table);
}

Result<std::vector<TableName>> Lake::tables() const {
  std::vector<TableName> all;
  for (Layer layer : kLayers) {
    ARROW_ASSIGN_OR_RAISE(auto names, list_folder(root_ + "/" + name(layer)));
    if (layer == Layer::silver) {  // bronze tables without a silver one are seen through
      for (const TableName& bronze : std::vector<TableName>(all)) {
        if (bronze.layer == Layer::bronze && !is_quarantine(bronze.table) && silver_is_view(bronze.table))
          names.push_back(bronze.table);
      }
      std::sort(names.begin(), names.end());
      names.erase(std::unique(names.begin(), names.end()), names.end());
    }
    for (const std::string& table : names) {
      TableName candidate{layer, table};
      if (!is_plain_name(table)) continue;
      if (this->table(candidate).exists() || (layer == Layer::silver && !is_quarantine(table) && silver_is_view(table)))
        all.push_back(candidate);
    }
  }
  return all;
}

bool Lake::silver_is_view(const std::string& table) const {
  return !this->table(Layer::silver, table).exists() && this->table(Layer::bronze, table).exists();
}

}  // namespace tapemill::lake
