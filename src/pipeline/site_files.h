#pragma once
#include <string>
#include <vector>

#include "core/calendar.h"
#include "pipeline/flat_files.h"
#include "sources/polite.h"

namespace tapemill::pipeline {

/// What NSE and Yahoo call their files, and how their sites want to be asked (docs/formats/sources.md, "Downloads").
struct NseSite {
  std::string archive = "https://nsearchives.nseindia.com", site = "https://www.nseindia.com";
};
/// cash, fo (UDiFF; before 2024-07-08 the older form), full, index: a file a session of the calendar. actions: a file a month, of
/// its ex-dates. holidays: one. Usage error: another kind.
Result<std::vector<sources::WantedFile>> nse_files(const std::string& kind, const Calendar& calendar, Date from,
                                                   Date to, const NseSite& site);
/// The data set that reads a kind; empty for holidays (tapemill calendar check).
std::string nse_dataset(const std::string& kind);
sources::Manners nse_manners(const NseSite& site);

/// Yahoo's charts with their splits and dividends, a file a symbol: AAPL.json. Its name is the same for every range, so that a
/// later download restates the symbol: Yahoo's prices change backwards with each split. Usage error: a symbol that cannot name a file.
Result<std::vector<sources::WantedFile>> yahoo_files(const std::vector<std::string>& symbols, Date from, Date to,
                                                     const std::string& site);
sources::Manners yahoo_manners();

/// Fetches files of a site into `folder`; empty: into a folder of the lake on this machine, from which files go when they have
/// landed. `name`: of the site, "nse/cash".
Result<Delivery> deliver_politely(const lake::Lake& lake, sources::Manners manners, const std::string& name,
                                  const std::string& folder, const std::vector<sources::WantedFile>& files);

}  // namespace tapemill::pipeline
