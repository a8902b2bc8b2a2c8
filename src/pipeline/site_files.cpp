#include "pipeline/site_files.h"

#include <algorithm>

#include "lake/storage.h"

namespace tapemill::pipeline {
namespace {

constexpr const char* kMonths[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
/// Who asks: sites refuse libraries by name, and have a right to know who it is.
constexpr const char* kAgent = "User-Agent: Mozilla/5.0 (X11; Linux x86_64) tapemill";

/// The first session that has UDiFF files alone: the older form ended with the one before.
const Date kUdiffAlone = Date::of(2024, 7, 8);

std::string dmy(Date date, const char* between = "") {
  return fmt::format("{:02}{}{:02}{}{}", date.day(), between, date.month(), between, date.year());
}

sources::WantedFile of_session(const std::string& kind, Date date, const NseSite& site) {
  auto file = [&](const std::string& folder, const std::string& name) {
    return sources::WantedFile{name, site.archive + folder + name, false, date};
  };
  if (kind == "full") return file("/products/content/", fmt::format("sec_bhavdata_full_{}.csv", dmy(date)));
  if (kind == "index") return file("/content/indices/", fmt::format("ind_close_all_{}.csv", dmy(date)));
  const bool cash = kind == "cash";
  if (date >= kUdiffAlone)
    return file(cash ? "/content/cm/" : "/content/fo/",
                fmt::format("BhavCopy_NSE_{}_0_0_0_{}{:02}{:02}_F_0000.csv.zip", cash ? "CM" : "FO", date.year(),
                            date.month(), date.day()));
  const std::string month = kMonths[date.month() - 1];
  return file(fmt::format("/content/historical/{}/{}/{}/", cash ? "EQUITIES" : "DERIVATIVES", date.year(), month),
              fmt::format("{}{:02}{}{}bhav.csv.zip", cash ? "cm" : "fo", date.day(), month, date.year()));
}

/// The ex-dates of a month. A month that is not over is another file than the month: both can be in the lake, and neither
/// replaces the other.
sources::WantedFile of_month(Date first, Date last, bool whole, const NseSite& site) {
  return {whole ? fmt::format("CF-CA-{}-{:02}.json", first.year(), first.month())
                : fmt::format("CF-CA-{}-to-{}.json", first.str(), last.str()),
          fmt::format("{}/api/corporates-corporateActions?index=equities&from_date={}&to_date={}", site.site,
                      dmy(first, "-"), dmy(last, "-")),
          true,
          {}};
}

}  // namespace

Result<std::vector<sources::WantedFile>> nse_files(const std::string& kind, const Calendar& calendar, Date from,
                                                   Date to, const NseSite& site) {
  std::vector<sources::WantedFile> files;
  if (kind == "holidays") {
    files.push_back({"holidays.json", site.site + "/api/holiday-master?type=trading", true, {}});
  } else if (kind == "actions") {
    for (Date month = Date::of(from.year(), from.month(), 1); month <= to;) {
      const Date next =
          month.month() == 12 ? Date::of(month.year() + 1, 1, 1) : Date::of(month.year(), month.month() + 1, 1);
      const Date first = std::max(month, from), last = std::min(next - 1, to);
      files.push_back(of_month(first, last, first == month && last == next - 1, site));
      month = next;
    }
  } else if (!nse_dataset(kind).empty()) {
    for (Date date : calendar.sessions(from, to)) files.push_back(of_session(kind, date, site));
  } else {
    return usage_error(fmt::format("\"{}\" is no kind of NSE's files", kind),
                       "kinds: cash, full, fo, index, actions, holidays");
  }
  return files;
}

std::string nse_dataset(const std::string& kind) {
  if (kind == "cash" || kind == "full") return "nse_cash";
  if (kind == "fo") return "nse_fo";
  if (kind == "index") return "nse_index";
  return kind == "actions" ? "corporate_actions" : "";
}

sources::Manners nse_manners(const NseSite& site) {
  sources::Manners manners;
  manners.home = site.site + "/";
  manners.headers = {kAgent, "Accept: */*", "Accept-Language: en",
                     "Referer: " + site.site + "/companies-listing/corporate-filings-actions"};
  return manners;
}

Result<std::vector<sources::WantedFile>> yahoo_files(const std::vector<std::string>& symbols, Date from, Date to,
                                                     const std::string& site) {
  std::vector<sources::WantedFile> files;
  for (const std::string& symbol : symbols) {
    if (symbol.empty() || symbol.front() == '.' || symbol.find('/') != std::string::npos)
      return usage_error(fmt::format("\"{}\" is no symbol of Yahoo's", symbol), "as Yahoo writes them: AAPL, BRK-B");
    files.push_back({symbol + ".json",
                     fmt::format("{}/v8/finance/chart/{}?period1={}&period2={}&interval=1d&events=div%2Csplit", site,
                                 percent_encode(symbol, false), from.days * 86'400LL, (to.days + 1) * 86'400LL),
                     false,
                     {}});
  }
  return files;
}

sources::Manners yahoo_manners() {
  sources::Manners manners;
  manners.headers = {kAgent, "Accept: application/json"};
  return manners;
}

Result<Delivery> deliver_politely(const lake::Lake& lake, sources::Manners manners, const std::string& name,
                                  const std::string& folder, const std::vector<sources::WantedFile>& files) {
  Delivery out;
  out.site = true, out.keep = !folder.empty();
  out.from.bucket = name, out.from.folder = folder;
  if (folder.empty()) {
    ARROW_ASSIGN_OR_RAISE(const std::string own,
                          lake::storage_of(lake.root()).local_folder(lake.root() + "/downloads"));
    out.from.folder = own + "/" + name;
  }
  manners.folder = out.from.folder;
  ARROW_ASSIGN_OR_RAISE(out.files, sources::fetch_politely(manners, files));
  return out;
}

}  // namespace tapemill::pipeline
