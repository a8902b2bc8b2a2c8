#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "lake/lake.h"

namespace tapemill::lake {

/// The actions of Delta's log (PROTOCOL.md, "Actions"), reader 1 / writer 2.
struct Protocol {
  int reader = 1, writer = 2;
};
struct MetaData {
  std::string id, name, description, schema;  // schema: schemaString
  std::vector<std::string> partitions;
  std::map<std::string, std::string> configuration;
  std::int64_t created_ms = 0;
};
struct Removal {
  std::string path;
  std::int64_t deleted_ms = 0, size = 0;
  std::map<std::string, std::string> partition;
};
struct Txn {
  std::int64_t version = 0, updated_ms = 0;
};
struct Actions {
  std::optional<Protocol> protocol;
  std::optional<MetaData> metadata;
  std::map<std::string, Txn> txns;
  std::vector<Removal> removes;
  std::vector<Part> adds;
  Json info;  // commitInfo; null where there is none
};

/// Parses a commit file. Data errors "file:line:column: ..." for what is no action; a protocol or a feature that we do not
/// know is refused; actions and fields that we do not know are passed over, as the protocol wants.
Result<Actions> parse_actions(std::string_view text, const std::string& file);

/// One line each, without a newline.
std::string line(const Protocol& protocol);
std::string line(const MetaData& metadata);
std::string line(const std::string& application, const Txn& txn);
std::string line(const Removal& removal, bool data_change);
std::string line(const Part& part, bool data_change);
std::string info_line(const Json& info);

/// JSON text; bytes that are no UTF-8 (file names) become U+FFFD instead of an exception.
std::string dump(const Json& json);

/// Relative paths stand percent-encoded in the log (RFC 2396).
std::string url_encode(std::string_view path);
Result<std::string> url_decode(std::string_view text);  // data error: absolute, leaves the table, or a broken escape

/// numRecords of add.stats; -1 where it is not said.
std::int64_t rows_of(const std::string& stats);

}  // namespace tapemill::lake
