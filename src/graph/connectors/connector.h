#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/memory.h"
#include "core/workers.h"
#include "graph/archive.h"
#include "graph/block.h"
#include "lake/scan.h"

namespace tapemill::graph {

/// scheme://path?key=value&key=value of a node's source or destination.
struct Address {
  std::string scheme, path;
  std::map<std::string, std::string> query;
  const Node* at = nullptr;
  /// Usage error at the text: no scheme, or one that no version knows (with the nearest).
  static Result<Address> parse(const Node& at);
  bool built(bool source) const;          // whether this version has the connector
  Status absent(bool source) const;       // the error that says it has not, and what there is
};

/// A row that could not become one, with the place it came from.
struct DeadRow {
  std::string file;
  std::int64_t line = 0;
  std::string reason, raw;
};

/// What planning and opening may use. `lake` may be null: then lake:// is an error.
struct Surroundings {
  const lake::Lake* lake = nullptr;
  const Workers* workers = nullptr;
  MemoryBudget* budget = nullptr;
};

/// Rows in event order: by time, then by key.
class Source {
 public:
  virtual ~Source() = default;
  /// Appends up to `most` rows with their event times (no sequence); none at the end.
  virtual Result<std::size_t> read(Block& out, std::size_t most) = 0;
  virtual Status seek(std::int64_t row) = 0;           // the next row is number `row` of this source
  virtual std::int64_t rows() const = 0;               // in all
  virtual std::string version() const = 0;             // of what it reads: a checkpoint goes on with this one alone
  virtual std::vector<DeadRow> dead() { return {}; }   // rows refused, once
};

struct SourcePlan {
  Schema schema;
  bool time_of_day = false;              // event times are instants, not dates
  std::string timezone;                  // the exchange's, where it is known
  std::string note;
  std::function<Result<std::unique_ptr<Source>>(const Surroundings&)> open;
};

/// Where a publisher's rows go. Rows come in the order in which the sources gave them, whatever the clones.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual Status write(std::size_t stream, const Block& rows, std::size_t row) = 0;
  /// What was written so far is safe, though not yet to be seen; then its place goes into a checkpoint, or comes from it.
  virtual Status state(Archive& archive) = 0;
  virtual Status commit() = 0;           // all of it is to be seen now
  virtual void abandon() = 0;            // nothing of it ever is
  virtual std::int64_t bytes() const { return 0; }
  virtual std::string place() const = 0;
  virtual std::string dead_letters() const { return {}; }  // path of a file beside it, or none
};

/// Rows of one form that come to a publisher; `origin` is the node that made them.
struct Stream {
  std::string origin;
  Schema schema;
};

struct SinkPlan {
  std::string note;
  std::function<Result<std::unique_ptr<Sink>>(bool resume)> open;
};

Result<SourcePlan> plan_source(const Node& config, const Address& address, const Surroundings& around);
Result<SourcePlan> plan_file_source(const Node& config, const Address& address, const Surroundings& around);
Result<SourcePlan> plan_lake_source(const Node& config, const Address& address, const Surroundings& around);

/// What lake://LAYER.TABLE?symbols=A,B&start=DAY&end=DAY&columns=a,b&version=N asks for.
Result<lake::ScanRequest> lake_request(const Address& address);

/// `streams` null: they cannot be known, and the config alone is judged.
Result<SinkPlan> plan_sink(const Node& config, const Address& address, const std::vector<Stream>* streams);
Result<SinkPlan> plan_file_sink(const Node& config, const Address& address, const std::vector<Stream>* streams);

/// Rows of a memory:// destination, or of every destination where a run captures.
struct Captured {
  std::vector<Stream> streams;
  std::vector<Block> rows;               // of each stream
};
std::unique_ptr<Sink> memory_sink(std::shared_ptr<Captured> into, std::string place);

}  // namespace tapemill::graph
