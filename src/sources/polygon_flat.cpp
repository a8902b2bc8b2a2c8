#include "sources/polygon_flat.h"

#include "sources/contract_symbol.h"
#include "sources/days.h"

namespace tapemill::sources {
namespace {

Outcome midnight_only(const std::string_view* texts, const Column&, Days& days, std::int64_t&) {
  std::int64_t ns = 0;
  auto [end, failed] = std::from_chars(texts[0].data(), texts[0].data() + texts[0].size(), ns);
  if (failed != std::errc{} || end != texts[0].data() + texts[0].size())
    return Outcome::ok();  // the column says it better
  Instant start{ns / 1000};
  if (!Days::plausible(start) || days.midnight(days.local_date(start)) == start) return Outcome::ok();
  return Outcome::refuse("opens no day bar: day bars open at the exchange's midnight (is this a minute file?)",
                         "session");
}

Outcome stocks_only(const std::string_view* texts, const Column&, Days&, std::int64_t&) {
  return texts[0].starts_with("O:") ? Outcome::refuse("is an option's ticker, and this data set takes stocks")
                                    : Outcome::ok();
}

Outcome options_only(const std::string_view* texts, const Column&, Days&, std::int64_t&) {
  OptionContract contract;
  return parse_occ(texts[0], contract) ? Outcome::ok()
                                       : Outcome::refuse("is no option's ticker (O: root YYMMDD C|P strike x 1000)");
}

Outcome underlying(const std::string_view* texts, std::string_view& out) {
  OptionContract contract;
  if (!parse_occ(texts[0], contract)) return Outcome::refuse("is no option's ticker");
  out = contract.root;
  return Outcome::ok();
}

Outcome option_type(const std::string_view* texts, std::string_view& out) {
  OptionContract contract;
  if (!parse_occ(texts[0], contract)) return Outcome::refuse("is no option's ticker");
  out = contract.call ? "C" : "P";
  return Outcome::ok();
}

Outcome expiry(const std::string_view* texts, const Column&, Days&, std::int64_t& out) {
  OptionContract contract;
  if (!parse_occ(texts[0], contract)) return Outcome::refuse("is no option's ticker");
  out = contract.expiry.days;
  return Outcome::ok();
}

Outcome strike(const std::string_view* texts, const Column& column, Days&, std::int64_t& out) {
  OptionContract contract;
  if (!parse_occ(texts[0], contract)) return Outcome::refuse("is no option's ticker");
  return contract.strike_at(column.scale, out) ? Outcome::ok()
                                               : Outcome::refuse("has a strike with more digits than the column keeps");
}

}  // namespace

Form polygon_form(const Dataset& dataset) {
  const bool options = dataset.column("underlying") != nullptr;
  Form form;
  form.name = "polygon_flat";
  form.header = {"ticker", "volume", "open", "close", "high", "low", "window_start", "transactions"};
  form.sessions = Form::Sessions::one;
  form.takes = {take_pattern("instrument_id", options ? "{ticker}" : dataset.exchange + ":{ticker}"),
                take("symbol", "ticker"),
                take_date("time", "window_start", "epoch_ns"),
                take("open", "open"),
                take("high", "high"),
                take("low", "low"),
                take("close", "close"),
                take("volume", "volume"),
                take("transactions", "transactions")};
  if (options) {
    form.takes.push_back(take_text("underlying", {"ticker"}, underlying));
    form.takes.push_back(take_rule("expiry", {"ticker"}, expiry));
    form.takes.push_back(take_text("option_type", {"ticker"}, option_type));
    form.takes.push_back(take_rule("strike", {"ticker"}, strike));
  }
  form.guards.push_back({{"ticker"}, options ? options_only : stocks_only});
  if (dataset.bar >= kDay || (dataset.bar == 0 && dataset.column("time") == nullptr))
    form.guards.push_back({{"window_start"}, midnight_only});
  return form;
}

}  // namespace tapemill::sources
