#include "pipeline/generate.h"

#include <filesystem>
#include <fstream>
#include <mutex>

#include "core/document.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/paths.h"
#include "core/progress.h"
#include "pipeline/generated/chain.h"
#include "pipeline/generated/stocks.h"
#include "sources/gzip.h"

namespace fs = std::filesystem;
namespace tapemill::pipeline {
namespace {

using namespace generated;

constexpr int kDayBytes = 25, kMinuteBytes = 13, kSecondBytes = 63;  // a row, compressed, of the default exchange
constexpr int kGenerator = 1;  // raise it when equal options no longer give equal bytes

struct Written {
  std::string path, dataset, sha256;  // path: relative to the folder
  int drop = 1;
  std::int64_t rows = 0, bytes = 0;
};

/// Collects what shards write; the joined lists are sorted, so they do not depend on threads.
class Out {
 public:
  Out(std::string folder, Progress& progress) : folder_(std::move(folder)), progress_(progress) {}

  Status write(int drop, const std::string& dataset, const std::string& name, const std::string& text,
               std::int64_t rows, bool half = false) {
    ARROW_ASSIGN_OR_RAISE(std::string bytes, sources::gzip_compress(text, dataset == "snapshots" ? 1 : 6));
    if (half) bytes.resize(bytes.size() / 2);
    const std::string path = fmt::format("drop{}/{}", drop, name);
    const fs::path whole = fs::path(folder_) / path;
    std::error_code failed;
    fs::create_directories(whole.parent_path(), failed);
    std::ofstream file(whole, std::ios::binary | std::ios::trunc);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    file.close();
    if (!file) return errno_error(whole.string(), errno, "is the disk full?");
    std::lock_guard lock(mutex_);
    written_.push_back({path, dataset, sha256(bytes), drop, rows, static_cast<std::int64_t>(bytes.size())});
    progress_.add(1, rows, static_cast<std::int64_t>(bytes.size()));
    return Status::OK();
  }
  void planted(std::vector<Defect> defects, int drop, const std::string& dataset, const std::string& name) {
    std::lock_guard lock(mutex_);
    for (Defect& d : defects) {
      d.drop = drop, d.dataset = dataset, d.file = fmt::format("drop{}/{}", drop, name);
      defects_.push_back(std::move(d));
    }
  }
  std::vector<Written> written() {
    std::sort(written_.begin(), written_.end(), [](const Written& a, const Written& b) { return a.path < b.path; });
    return written_;
  }
  std::vector<Defect> defects() {
    std::stable_sort(defects_.begin(), defects_.end(), [](const Defect& a, const Defect& b) {
      return std::tie(a.file, a.line, a.kind) < std::tie(b.file, b.line, b.kind);
    });
    return defects_;
  }

 private:
  std::string folder_;
  Progress& progress_;
  std::mutex mutex_;
  std::vector<Written> written_;
  std::vector<Defect> defects_;
};

std::string flat_file(const char* kind, Date date) {
  return fmt::format("us_stocks_sip/{}/{}/{:02}/{}.csv.gz", kind, date.year(), date.month(), date.str());
}

/// Which session has which defect, spread over the calendar.
struct Plan {
  std::size_t bad_rows, duplicates, restated, late, half;
  explicit Plan(std::size_t days)
      : bad_rows(days / 5), duplicates(days / 4), restated(days * 2 / 5), late(days * 7 / 10), half(days * 4 / 5) {}
};

Defect whole_file(const char* kind, std::string note, std::string ticker = {}) {
  Defect d;
  d.kind = kind, d.note = std::move(note), d.ticker = std::move(ticker);
  return d;
}

Status write_day(const Stocks& stocks, std::size_t session, Out& out) {
  const Plan plan(stocks.sessions.size());
  const std::string name = flat_file("day_aggs_v1", stocks.sessions[session]);
  const std::string dataset = "stocks_daily";
  std::int64_t rows = 0;
  std::string text = day_file(stocks, session, false, rows);
  if (session == plan.late) {
    out.planted({whole_file("late_file", "not in the first drop")}, 2, dataset, name);
    return out.write(2, dataset, name, text, rows);
  }
  if (session == plan.half) {
    out.planted({whole_file("half_written",
                            "the gzip ends in the middle: the file is refused whole, and the second drop mends it")},
                1, dataset, name);
    ARROW_RETURN_NOT_OK(out.write(1, dataset, name, text, rows, true));
    return out.write(2, dataset, name, text, rows);
  }
  if (session == plan.bad_rows) out.planted(spoil_bad_rows(stocks, text, session), 1, dataset, name);
  if (session == plan.duplicates) {
    auto defects = spoil_duplicates(stocks, text, session);
    rows += static_cast<std::int64_t>(defects.size());
    out.planted(std::move(defects), 1, dataset, name);
  }
  ARROW_RETURN_NOT_OK(out.write(1, dataset, name, text, rows));
  if (session == stocks.halt_from && !stocks.tickers.empty())
    out.planted({whole_file("halted",
                            fmt::format("no rows until {}",
                                        stocks.sessions[std::min(stocks.halt_until, stocks.sessions.size() - 1)].str()),
                            stocks.tickers[stocks.halted])},
                1, dataset, name);
  if (session == stocks.split_at)
    out.planted({whole_file("split", "2 for 1: prices are half from this session on", stocks.tickers[stocks.split])}, 1,
                dataset, name);
  if (session != plan.restated) return Status::OK();
  std::string again = day_file(stocks, session, true, rows);
  out.planted({whole_file("restated_day", "other content than in the first drop")}, 2, dataset, name);
  return out.write(2, dataset, name, again, rows);
}

Status write_minutes(const Stocks& stocks, std::size_t session, const Session& hours, const GenerateOptions& options,
                     Out& out) {
  const std::string name = flat_file("minute_aggs_v1", stocks.sessions[session]);
  std::int64_t rows = 0;
  std::string text = minute_file(stocks, session, hours, options.minute_symbols, rows);
  if (session + 2 == stocks.sessions.size()) {
    auto defects = spoil_minutes(stocks, text, session);
    for (const Defect& d : defects) rows += d.kind == "duplicate_row";
    out.planted(std::move(defects), 1, "stocks_minute", name);
  }
  return out.write(1, "stocks_minute", name, text, rows);
}

/// One row without any time in one contract, one second twice in another.
std::vector<Defect> spoil_snapshots(ContractFile& file, std::size_t strike, bool call) {
  std::vector<Defect> out;
  const std::int64_t line = 2 + file.rows / 2;
  std::size_t start = 0;
  for (std::int64_t i = 1; i < line; ++i) start = file.text.find('\n', start) + 1;
  const std::size_t end = file.text.find('\n', start) + 1;
  std::string row = file.text.substr(start, end - start);
  Defect d;
  d.ticker = file.name;
  if (strike == 0 && call) {
    for (std::size_t at = row.find('Z'); at != std::string::npos; at = row.find('Z', at + 1))
      row.replace(at - 19, 19, "1970-01-01T05:30:00");
    file.text.replace(start, end - start, row);
    d.line = line, d.kind = "no_time", d.check = "parse", d.note = "timestamp, ts and lastTradeTime are all of 1970";
    out.push_back(d);
  } else if (strike == 1 && !call) {
    file.text.insert(end, row);
    ++file.rows;
    d.line = line + 1, d.kind = "duplicate_row", d.check = "unique_key", d.note = "the same second again";
    out.push_back(d);
  }
  return out;
}

Status write_contract(const Chain& chain, std::size_t index, Out& out) {
  const bool spot = index == 2 * chain.strikes.size(), call = index % 2 == 0;
  auto files = spot ? spot_files(chain) : option_files(chain, index / 2, call);
  for (std::size_t session = 0; session < files.size(); ++session) {
    ContractFile& file = files[session];
    const std::string name = fmt::format("nse_snapshots/{}/{}.csv.gz", chain.sessions[session].date.str(), file.name);
    if (session == 0 && !spot) out.planted(spoil_snapshots(file, index / 2, call), 1, "snapshots", name);
    ARROW_RETURN_NOT_OK(out.write(1, "snapshots", name, file.text, file.rows));
  }
  return Status::OK();
}

Json options_json(const GenerateOptions& o) {
  return {{"generator", kGenerator},
          {"seed", o.seed},
          {"symbols", o.symbols},
          {"years", o.years},
          {"minute_symbols", o.minute_symbols},
          {"minute_days", o.minute_days},
          {"chain_days", o.chain_days},
          {"strikes", o.strikes}};
}

/// The report of a folder that holds it all already; an error where it holds somebody else's files.
Result<std::optional<GenerateReport>> already_there(const GenerateOptions& options) {
  const fs::path folder = options.out, manifest = folder / "manifest.json";
  std::error_code failed;
  if (!fs::exists(folder, failed)) return std::nullopt;
  if (!fs::is_directory(folder, failed))
    return usage_error(options.out + ": a file where a folder is wanted", "name another with --out");
  if (!fs::exists(manifest, failed)) {
    if (fs::is_empty(folder, failed)) return std::nullopt;
    return usage_error(options.out + ": the folder holds files that generate did not make",
                       "name an empty or a new folder with --out");
  }
  auto document = Document::read(manifest.string());
  if (!document.ok()) return std::nullopt;  // a run that was interrupted
  const Node* made = document->root().find("options");
  const Node* files = document->root().find("files");
  if (made == nullptr || files == nullptr || made->json().dump() != options_json(options).dump() ||
      files->items.empty())
    return std::nullopt;
  GenerateReport report;
  for (const Node& file : files->items) {
    ARROW_ASSIGN_OR_RAISE(const Node* path, file.need("path"));
    ARROW_ASSIGN_OR_RAISE(const Node* bytes, file.need("bytes"));
    ARROW_ASSIGN_OR_RAISE(const Node* rows, file.need("rows"));
    ARROW_ASSIGN_OR_RAISE(std::int64_t size, bytes->as_integer());
    ARROW_ASSIGN_OR_RAISE(std::int64_t count, rows->as_integer());
    if (fs::file_size(folder / path->text, failed) != static_cast<std::uintmax_t>(size) || failed) return std::nullopt;
    ++report.files, report.rows += count, report.bytes += size;
  }
  if (const Node* defects = document->root().find("defects"))
    ARROW_RETURN_NOT_OK(defects->as_integer().Value(&report.defects));
  report.unchanged = true;
  ARROW_ASSIGN_OR_RAISE(std::string text, read_file(manifest.string()));
  report.manifest_sha256 = sha256(text);
  return report;
}

Result<GenerateReport> write_manifest(const GenerateOptions& options, Out& out) {
  GenerateReport report;
  Json defects = Json::array(), files = Json::array();
  for (const Defect& d : out.defects()) {
    Json one{{"drop", d.drop}, {"dataset", d.dataset}, {"file", d.file}, {"kind", d.kind}};
    if (d.line > 0) one["line"] = d.line;
    if (!d.ticker.empty()) one["ticker"] = d.ticker;
    if (!d.check.empty()) one["check"] = d.check;
    one["note"] = d.note;
    defects.push_back(std::move(one));
  }
  for (const Written& w : out.written()) {
    files.push_back(Json{{"path", w.path},
                         {"dataset", w.dataset},
                         {"drop", w.drop},
                         {"rows", w.rows},
                         {"bytes", w.bytes},
                         {"sha256", w.sha256}});
    ++report.files, report.rows += w.rows, report.bytes += w.bytes;
  }
  report.defects = static_cast<std::int64_t>(defects.size());
  ARROW_RETURN_NOT_OK(write_file_atomically(options.out + "/defects.json", Json{{"defects", defects}}.dump(1) + "\n"));
  const std::string text =
      Json{{"options", options_json(options)}, {"defects", report.defects}, {"files", files}}.dump(1) + "\n";
  ARROW_RETURN_NOT_OK(write_file_atomically(options.out + "/manifest.json", text));
  report.manifest_sha256 = sha256(text);
  return report;
}

}  // namespace

Result<GeneratePlan> plan_generate(const GenerateOptions& options) {
  if (options.strikes % 2 == 0)
    return usage_error(fmt::format("strikes: {} is even", options.strikes),
                       "an odd number, so that one strike lies in the middle");
  ARROW_ASSIGN_OR_RAISE(auto there, already_there(options));
  if (there) return GeneratePlan{true, there->rows, there->bytes};
  const std::int64_t days = std::int64_t{options.symbols} * options.years * 252,
                     minutes = std::int64_t{options.minute_symbols} * options.minute_days * 356,
                     seconds = std::int64_t{options.chain_days} * (2 * options.strikes + 1) * 8400;
  return GeneratePlan{false, days + minutes + seconds,
                      days * kDayBytes + minutes * kMinuteBytes + seconds * kSecondBytes};
}

Result<GenerateReport> generate(const GenerateOptions& options, const Workers& workers) {
  ARROW_RETURN_NOT_OK(plan_generate(options).status());
  ARROW_ASSIGN_OR_RAISE(auto there, already_there(options));
  if (there) return *there;
  std::error_code failed;
  fs::create_directories(options.out, failed);
  if (failed) return errno_error(options.out, failed.value());
  for (const char* ours : {"drop1", "drop2"}) fs::remove_all(fs::path(options.out) / ours, failed);
  ARROW_RETURN_NOT_OK(
      write_file_atomically(options.out + "/manifest.json", "{\"files\": []}\n"));  // the folder is ours; not whole yet

  ARROW_ASSIGN_OR_RAISE(auto nyse, Calendar::load("nyse"));
  const auto sessions = nyse->sessions(Date::of(2025 - options.years, 1, 1), Date::of(2024, 12, 31));
  const Stocks stocks = make_stocks(static_cast<std::uint64_t>(options.seed), options.symbols, *nyse, sessions);
  const std::size_t minute_days =
      options.minute_symbols == 0
          ? 0
          : std::min<std::size_t>(static_cast<std::size_t>(options.minute_days), sessions.size());
  Chain chain;
  if (options.chain_days > 0) {
    ARROW_ASSIGN_OR_RAISE(auto nse, Calendar::load("nse_fo"));
    std::vector<Session> days;
    for (Date date : nse->sessions(Date::of(2024, 8, 22), Date::of(2024, 8, 29))) {
      if (static_cast<int>(days.size()) == options.chain_days) break;
      ARROW_ASSIGN_OR_RAISE(Session session, nse->session(date));
      days.push_back(std::move(session));
    }
    chain = make_chain(static_cast<std::uint64_t>(options.seed), *nse, days, Date::of(2024, 8, 29), options.strikes);
  }
  const std::size_t contracts = chain.strikes.empty() ? 0 : 2 * chain.strikes.size() + 1;

  const auto total = static_cast<std::int64_t>(sessions.size() + 2 + minute_days + contracts * chain.sessions.size());
  Progress progress("generate", total, "files");
  Out out(options.out, progress);
  // The longest shards first: contracts, then days.
  ARROW_RETURN_NOT_OK(workers.each(
      contracts + minute_days + sessions.size(),
      [&](std::size_t shard) -> Status {
        if (shard < contracts) return write_contract(chain, shard, out);
        shard -= contracts;
        if (shard >= minute_days) return write_day(stocks, shard - minute_days, out);
        const std::size_t session = sessions.size() - minute_days + shard;
        ARROW_ASSIGN_OR_RAISE(Session hours, nyse->session(sessions[session]));
        return write_minutes(stocks, session, hours, options, out);
      },
      interrupt()));
  return write_manifest(options, out);
}

}  // namespace tapemill::pipeline
