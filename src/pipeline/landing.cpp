#include "pipeline/landing.h"

#include <arrow/api.h>
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "core/hash.h"
#include "core/workers.h"
#include "lake/files.h"
#include "lake/scan.h"
#include "lake/writer.h"
#include "pipeline/restatement.h"

namespace fs = std::filesystem;
namespace tapemill::pipeline {
namespace {

/// A copy on its way: written and hashed, not yet synced or named.
class Copy {
 public:
  /// The bytes of `from` are hashed on the way and must be those of `sha256`.
  static Result<Copy> write(const std::string& folder, std::string name, const std::string& from,
                            const std::string& sha256, std::vector<char>& block) {
    ARROW_ASSIGN_OR_RAISE(lake::PendingFile file, lake::PendingFile::create(folder));
    Copy copy(std::move(file), folder, std::move(name));
    const int in = ::open(from.c_str(), O_RDONLY | O_CLOEXEC);
    if (in < 0) return errno_error(from, errno);
    Status status = copy.write_from(in, from, sha256, block);
    ::close(in);
    ARROW_RETURN_NOT_OK(status);
    copy.file_.start_sync();  // the disk may begin
    return copy;
  }
  /// A name says its content: a file that has it already is this one, or damaged.
  Status name() {
    ARROW_ASSIGN_OR_RAISE(const bool named, file_.publish(name_));
    if (named) return Status::OK();
    const std::string path = folder_ + "/" + name_;
    ARROW_ASSIGN_OR_RAISE(const std::string there, lake::local_file(path));
    ARROW_ASSIGN_OR_RAISE(const bool equal, lake::equal_files(there, file_.fd()));
    return equal ? Status::OK()
                 : data_error(path + " is there with other bytes: it is damaged", "remove it and try again");
  }

 private:
  Copy(lake::PendingFile file, std::string folder, std::string name)
      : file_(std::move(file)), folder_(std::move(folder)), name_(std::move(name)) {}
  Status write_from(int in, const std::string& from, const std::string& sha256, std::vector<char>& block) {
    Sha256 hash;
    for (;;) {
      ssize_t n = ::read(in, block.data(), block.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return errno_error(from, errno);
      if (n == 0) break;
      const std::string_view bytes(block.data(), static_cast<std::size_t>(n));
      hash.add(bytes);
      ARROW_RETURN_NOT_OK(file_.write(bytes));
    }
    if (hash.hex() == sha256) return Status::OK();
    return data_error(from + ": changed while it was read", "run the ingest again when its writer is done");
  }

  lake::PendingFile file_;
  std::string folder_, name_;
};

struct Arrival {
  std::string sha256;
  Instant at;
};
struct Known {
  std::map<std::string, std::string> places;                               // where equal bytes lie, by their hash
  std::map<std::pair<std::string, std::string>, Arrival> newest;           // by unit and form
};

Result<Known> known(const lake::Lake& lake, const lake::Table& table, std::int64_t version) {
  Known all;
  if (version < 0) return all;
  lake::ScanRequest request;
  request.table = table.name();
  request.version = version;
  request.columns = {"unit", "form", "sha256", "kept_at", "arrived_at"};
  ARROW_ASSIGN_OR_RAISE(auto scanned, lake::scan(lake, request));
  ARROW_ASSIGN_OR_RAISE(auto rows, scanned.rows->CombineChunksToBatch());
  auto texts = [&](const char* name) -> const arrow::StringArray& {
    return static_cast<const arrow::StringArray&>(*rows->GetColumnByName(name));
  };
  const auto &units = texts("unit"), &forms = texts("form"), &hashes = texts("sha256"), &places = texts("kept_at");
  const auto& times = static_cast<const arrow::TimestampArray&>(*rows->GetColumnByName("arrived_at"));
  for (std::int64_t i = 0; i < rows->num_rows(); ++i) {
    all.places.try_emplace(hashes.GetString(i), places.GetString(i));
    Arrival& newest = all.newest[{units.GetString(i), forms.GetString(i)}];
    if (newest.sha256.empty() || times.Value(i) > newest.at.us) newest = {hashes.GetString(i), Instant{times.Value(i)}};
  }
  return all;
}

/// The columns of `schema`, which may be one without the envelope.
Result<std::shared_ptr<arrow::RecordBatch>> rows_of(const Dataset& dataset, const std::vector<const Landed*>& files,
                                                    const std::shared_ptr<arrow::Schema>& schema,
                                                    arrow::MemoryPool* pool) {
  arrow::StringBuilder file(pool), path(pool), unit(pool), form(pool), sha(pool), kept(pool);
  arrow::Date32Builder session(pool);
  arrow::Int64Builder size(pool);
  const auto instant = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  arrow::TimestampBuilder arrived(instant, pool), happened(instant, pool);
  arrow::StringBuilder event(pool), source(pool), version(pool), entity(pool);
  for (const Landed* one : files) {
    const Envelope envelope = envelope_of(dataset, one->info);
    ARROW_RETURN_NOT_OK(event.Append(envelope.event_id));
    ARROW_RETURN_NOT_OK(envelope.event_time ? happened.Append(envelope.event_time->us) : happened.AppendNull());
    ARROW_RETURN_NOT_OK(source.Append(envelope.source));
    ARROW_RETURN_NOT_OK(envelope.schema_version.empty() ? version.AppendNull()
                                                        : version.Append(envelope.schema_version));
    ARROW_RETURN_NOT_OK(entity.Append(envelope.entity_id));
    ARROW_RETURN_NOT_OK(file.Append(fs::path(one->info.path).filename().string()));
    ARROW_RETURN_NOT_OK(path.Append(one->info.path));
    ARROW_RETURN_NOT_OK(unit.Append(one->info.unit));
    ARROW_RETURN_NOT_OK(form.Append(one->info.form));
    ARROW_RETURN_NOT_OK(one->info.session ? session.Append(one->info.session->days) : session.AppendNull());
    ARROW_RETURN_NOT_OK(sha.Append(one->info.sha256));
    ARROW_RETURN_NOT_OK(size.Append(one->info.size));
    ARROW_RETURN_NOT_OK(kept.Append(one->kept_at));
    ARROW_RETURN_NOT_OK(arrived.Append(one->arrived.us));
  }
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (arrow::ArrayBuilder* builder :
       std::initializer_list<arrow::ArrayBuilder*>{&file, &path, &unit, &form, &session, &sha, &size, &kept, &arrived,
                                                   &event, &happened, &source, &version, &entity}) {
    ARROW_ASSIGN_OR_RAISE(auto column, builder->Finish());
    columns.push_back(std::move(column));
  }
  columns.resize(static_cast<std::size_t>(schema->num_fields()));
  return arrow::RecordBatch::Make(schema, static_cast<std::int64_t>(files.size()), std::move(columns));
}

}  // namespace

std::shared_ptr<arrow::Schema> landing_schema() {
  auto text = [](const char* name) { return arrow::field(name, arrow::utf8(), false); };
  return arrow::schema({text("file"), text("path"), text("unit"), text("form"),
                        arrow::field("session", arrow::date32()), text("sha256"),
                        arrow::field("size", arrow::int64(), false), text("kept_at"),
                        arrow::field("arrived_at", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), false),
                        text("event_id"), arrow::field("event_time", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")),
                        text("source"), arrow::field("schema_version", arrow::utf8()), text("entity_id")});
}

Result<LandingPlan> plan_landing(const lake::Lake& lake, const Dataset& dataset,
                                 const std::vector<sources::FileInfo>& files, Instant now) {
  lake::Table table = lake.table(lake::Layer::landing, dataset.table);
  LandingPlan plan;
  if (table.exists()) { ARROW_ASSIGN_OR_RAISE(plan.version, table.version()); }
  ARROW_ASSIGN_OR_RAISE(auto there, known(lake, table, plan.version));
  for (const auto& info : files) {
    Landed one{info, {}, now};
    auto [newest, first] = there.newest.try_emplace({info.unit, info.form}, Arrival{info.sha256, now});
    if (!first && newest->second.sha256 != info.sha256) {
      auto held = there.places.find(newest->second.sha256);
      const std::string file = fs::path(info.path).filename().string();
      if (held != there.places.end() && dataset.landing_copy && !held->second.ends_with("-" + file)) {
        ARROW_ASSIGN_OR_RAISE(const std::string kept, lake::local_file(table.path() + "/" + held->second));
        if (same_content(kept, info.path))
          one.info.sha256 = newest->second.sha256;  // packed otherwise: the bytes that are kept stand for it
      }
    }
    const bool arrives = first || newest->second.sha256 != one.info.sha256;
    if (!first) {  // never before what it replaces, whatever the clock does
      one.arrived = arrives ? std::max(now, Instant{newest->second.at.us + 1}) : newest->second.at;
      newest->second = {one.info.sha256, one.arrived};
    }
    auto place = there.places.find(one.info.sha256);
    const bool copied = dataset.landing_copy && place == there.places.end();
    std::error_code ignored;
    if (!dataset.landing_copy && arrives) one.kept_at = fs::absolute(info.path, ignored).string();
    else if (copied)
      one.kept_at = "files/" + one.info.sha256.substr(0, 16) + "-" + fs::path(info.path).filename().string();
    else one.kept_at = place->second;
    there.places.try_emplace(one.info.sha256, one.kept_at);
    plan.arrives.push_back(arrives), plan.copied.push_back(copied);
    plan.files.push_back(std::move(one));
  }
  return plan;
}

Status land(const lake::Lake& lake, const Dataset& dataset, const LandingPlan& plan, std::size_t from, std::size_t to,
            Instant now, MemoryBudget& budget) {
  lake::Table table = lake.table(lake::Layer::landing, dataset.table);
  std::shared_ptr<arrow::Schema> schema = landing_schema();
  if (table.exists()) {
    constexpr int kWithoutEnvelope = 9;
    ARROW_ASSIGN_OR_RAISE(lake::Snapshot before, table.snapshot());
    if (before.schema->GetFieldIndex("event_id") < 0)
      schema = arrow::schema({schema->fields().begin(), schema->fields().begin() + kWithoutEnvelope});
  }
  ARROW_RETURN_NOT_OK(table.create(schema, {}, {}));
  const std::string folder = table.path() + "/files";
  ARROW_RETURN_NOT_OK(lake::make_folders(folder));
  std::vector<const Landed*> rows;
  std::vector<Copy> copies;
  std::vector<char> block(1 << 20);
  std::string key;
  for (std::size_t i = from; i < to; ++i) {
    if (interrupt().stop_requested()) return Status::Cancelled("interrupted");
    if (plan.arrives[i] == 0) continue;
    const Landed& one = plan.files[i];
    rows.push_back(&one), key += one.info.unit + one.info.sha256;
    if (plan.copied[i] == 0) continue;
    ARROW_ASSIGN_OR_RAISE(Copy copy,
                          Copy::write(folder, fs::path(one.kept_at).filename(), one.info.path, one.info.sha256, block));
    copies.push_back(std::move(copy));
  }
  if (rows.empty()) return Status::OK();
  constexpr int waiting = 32;  // for the disk's journal, of which one turn serves all that wait
  ARROW_RETURN_NOT_OK(Workers(waiting).each(copies.size(), [&](std::size_t i) { return copies[i].name(); }));
  if (!copies.empty()) ARROW_RETURN_NOT_OK(lake::sync_folder(folder));

  // The rows say when they arrived: a run that died before its commit, or one beside this, wrote other bytes under another name.
  key += fmt::format(" {} {}", now.us, ::getpid());
  lake::Layout layout;
  layout.schema = schema;
  layout.sort = {"unit", "form", "file"};
  for (std::int64_t version = std::max<std::int64_t>(plan.version, 0);;) {
    ARROW_ASSIGN_OR_RAISE(auto batch, rows_of(dataset, rows, schema, budget.pool()));
    lake::Provenance provenance{sha256(key), "landing", "files", version, {}};
    ARROW_ASSIGN_OR_RAISE(auto writer, lake::write_parts(table, layout, provenance, budget));
    ARROW_RETURN_NOT_OK(writer->write(batch));
    lake::Transaction transaction;
    transaction.read_version = version;
    transaction.operation = "LAND";
    ARROW_ASSIGN_OR_RAISE(transaction.adds, writer->finish());
    std::int64_t bytes = 0;
    for (const Landed* one : rows)
      bytes += one->info.size, transaction.touches.push_back(one->info.unit + "/" + one->info.form);
    transaction.counts = {{"files", static_cast<std::int64_t>(rows.size())}, {"bytes", bytes}};
    auto committed = table.commit(transaction);
    if (committed.ok()) return Status::OK();
    if (!lake::is_conflict(committed.status())) return committed.status();
    // Another run has landed some of them meanwhile: a file arrives once.
    ARROW_ASSIGN_OR_RAISE(version, table.version());
    ARROW_ASSIGN_OR_RAISE(auto there, known(lake, table, version));
    std::erase_if(rows, [&](const Landed* one) {
      auto newest = there.newest.find({one->info.unit, one->info.form});
      return newest != there.newest.end() && newest->second.sha256 == one->info.sha256;
    });
    if (rows.empty()) return Status::OK();
  }
}

}  // namespace tapemill::pipeline
