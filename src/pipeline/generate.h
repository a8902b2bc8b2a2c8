#pragma once
#include <string>
#include <vector>

#include "core/config.h"
#include "core/workers.h"

namespace tapemill::pipeline {

/// An exchange that never was: seeded, byte for byte the same everywhere. Under `out`:
///   drop1, drop2   two deliveries of Polygon flat files (us_stocks_sip/{day,minute}_aggs_v1/YYYY/MM/DATE.csv.gz); the second
///                  brings a late file, a restated day and a file that arrived half-written
///   drop1/nse_snapshots/DATE/CONTRACT.csv.gz   a chain of 1-second snapshots on TAPE, with its spot (rules/demo_options.yaml)
///   defects.json   every defect: file, line, kind, and the check that is to find it
///   manifest.json  the options, and every file with rows, bytes and sha256; written last
struct GenerateOptions {
  std::string out = "generated";
  std::int64_t seed = 42;
  int symbols = 500, years = 2;            // daily bars, ending 2024-12-31
  int minute_symbols = 20, minute_days = 5;
  int chain_days = 2, strikes = 11;        // from 2024-08-22, expiring 2024-08-29; 0 days: no chain
};

struct GenerateReport {
  bool unchanged = false;                  // the folder held all of it already
  std::int64_t files = 0, rows = 0, bytes = 0, defects = 0;
  std::string manifest_sha256;
};

/// What generate() would write, roughly: sizes come from the default exchange's bytes a row. Errors: as generate()'s before
/// it writes.
struct GeneratePlan {
  bool unchanged = false;
  std::int64_t rows = 0, bytes = 0;
};
Result<GeneratePlan> plan_generate(const GenerateOptions& options);

/// Writes the exchange, or nothing where `out` holds it already. Errors: `out` holds files that generate did not make
/// (usage), disk (environment), interrupted.
Result<GenerateReport> generate(const GenerateOptions& options, const Workers& workers);

}  // namespace tapemill::pipeline

namespace tapemill {
template <>
inline constexpr auto fields<pipeline::GenerateOptions> = std::tuple{
    field("out", &pipeline::GenerateOptions::out, "folder to write to"),
    field("seed", &pipeline::GenerateOptions::seed, "equal seeds give equal bytes"),
    field("symbols", &pipeline::GenerateOptions::symbols, "stocks with daily bars", 10, 10'000),
    field("years", &pipeline::GenerateOptions::years, "years of daily bars, ending with 2024", 1, 20),
    field("minute_symbols", &pipeline::GenerateOptions::minute_symbols, "stocks with minute bars", 0, 10'000),
    field("minute_days", &pipeline::GenerateOptions::minute_days, "sessions of minute bars", 0, 250),
    field("chain_days", &pipeline::GenerateOptions::chain_days, "sessions of option snapshots", 0, 5),
    field("strikes", &pipeline::GenerateOptions::strikes, "strikes of the option chain, an odd number", 1, 101)};
}  // namespace tapemill
