#include "sources/nse_bhavcopy.h"

namespace tapemill::sources {
namespace {

Outcome cash_only(const std::string_view* texts, const Column&, Days&, std::int64_t&) {
  return texts[0] == "CM" ? Outcome::ok()
                          : Outcome::refuse("is not the cash segment CM that this data set takes", "session");
}
Outcome derivatives_only(const std::string_view* texts, const Column&, Days&, std::int64_t&) {
  return texts[0] == "FO" ? Outcome::ok()
                          : Outcome::refuse("is not the segment FO that this data set takes", "session");
}

bool nothing(std::string_view text) { return text.empty() || text == "-"; }

/// volume, lot size, exchange -> contracts or units.
Outcome lots_and_units(const std::string_view* texts, bool want_units, std::int64_t& out) {
  if (nothing(texts[0])) return Outcome::nothing();
  std::int64_t volume = 0, lot = 0;
  if (Complaint why = read_integer(texts[0], volume)) return Outcome::refuse(why);
  const bool in_lots = texts[2] == "NSE";
  if (in_lots != want_units) return out = volume, Outcome::ok();
  if (nothing(texts[1])) return Outcome::nothing();
  if (Complaint why = read_integer(texts[1], lot); why != nullptr || lot <= 0)
    return Outcome::refuse("comes with a lot size that is no positive number");
  if (want_units) return __builtin_mul_overflow(volume, lot, &out) ? Outcome::refuse("is out of range") : Outcome::ok();
  out = volume / lot;
  return volume % lot == 0 ? Outcome::ok() : Outcome::nothing();
}
Outcome udiff_contracts(const std::string_view* texts, const Column&, Days&, std::int64_t& out) {
  return lots_and_units(texts, false, out);
}
Outcome udiff_units(const std::string_view* texts, const Column&, Days&, std::int64_t& out) {
  return lots_and_units(texts, true, out);
}

Outcome call_or_put(const std::string_view* texts, std::string_view& out) {
  out = texts[0];
  if (nothing(out) || out == "XX") return Outcome::nothing();  // a future
  if (out == "CE" || out == "PE") return Outcome::ok();
  if (out == "CA" || out == "PA") return Outcome::ok();        // American style, until 2010
  return Outcome::refuse("is none of CE, PE");
}
Outcome strike_or_none(const std::string_view* texts, const Column& column, Days&, std::int64_t& out) {
  if (nothing(texts[0]) || nothing(texts[1]) || texts[1] == "XX") return Outcome::nothing();
  Complaint why = read_decimal(texts[0], column.scale, 0, out);
  return why == nullptr ? Outcome::ok() : Outcome::refuse(why);
}

Form full() {
  Form form;
  form.name = "nse_full";
  form.header = {"SYMBOL",       "SERIES",        "DATE1",        "PREV_CLOSE",  "OPEN_PRICE",
                 "HIGH_PRICE",   "LOW_PRICE",     "LAST_PRICE",   "CLOSE_PRICE", "AVG_PRICE",
                 "TTL_TRD_QNTY", "TURNOVER_LACS", "NO_OF_TRADES", "DELIV_QTY",   "DELIV_PER"};
  form.takes = {
      take("symbol", "SYMBOL"),         take("series", "SERIES"),         take_date("session", "DATE1", "%d-%b-%Y"),
      take("prev_close", "PREV_CLOSE"), take("open", "OPEN_PRICE"),       take("high", "HIGH_PRICE"),
      take("low", "LOW_PRICE"),         take("last", "LAST_PRICE"),       take("close", "CLOSE_PRICE"),
      take("average", "AVG_PRICE"),     take("volume", "TTL_TRD_QNTY"),   take("turnover", "TURNOVER_LACS", 5),
      take("trades", "NO_OF_TRADES"),   take("deliverable", "DELIV_QTY"), take("deliverable_percent", "DELIV_PER")};
  form.takes.push_back(take_pattern("instrument_id", "NSE:{SYMBOL}:{SERIES}"));
  return form;
}

Form legacy_cash() {
  Form form;
  form.name = "nse_legacy";
  form.header = {"SYMBOL", "SERIES",    "OPEN",      "HIGH",      "LOW",      "CLOSE",
                 "LAST",   "PREVCLOSE", "TOTTRDQTY", "TOTTRDVAL", "TIMESTAMP"};
  form.optional = {"TOTALTRADES", "ISIN", ""};
  form.takes = {take("symbol", "SYMBOL"),
                take("series", "SERIES"),
                take("open", "OPEN"),
                take("high", "HIGH"),
                take("low", "LOW"),
                take("close", "CLOSE"),
                take("last", "LAST"),
                take("prev_close", "PREVCLOSE"),
                take("volume", "TOTTRDQTY"),
                take("turnover", "TOTTRDVAL"),
                take_date("session", "TIMESTAMP", "%d-%b-%Y"),
                take("trades", "TOTALTRADES"),
                take("isin", "ISIN")};
  form.takes.push_back(take_pattern("instrument_id", "NSE:{SYMBOL}:{SERIES}"));
  return form;
}

Form legacy_derivatives() {
  Form form;
  form.name = "nse_legacy";
  form.header = {"INSTRUMENT", "SYMBOL",    "EXPIRY_DT", "STRIKE_PR",  "OPTION_TYP", "OPEN",      "HIGH",     "LOW",
                 "CLOSE",      "SETTLE_PR", "CONTRACTS", "VAL_INLAKH", "OPEN_INT",   "CHG_IN_OI", "TIMESTAMP"};
  form.optional = {""};
  form.takes = {take("instrument_type", "INSTRUMENT"),
                take("symbol", "SYMBOL"),
                take_date("expiry", "EXPIRY_DT", "%d-%b-%Y"),
                take_rule("strike", {"STRIKE_PR", "OPTION_TYP"}, strike_or_none),
                take_text("option_type", {"OPTION_TYP"}, call_or_put),
                take("open", "OPEN"),
                take("high", "HIGH"),
                take("low", "LOW"),
                take("close", "CLOSE"),
                take("settlement", "SETTLE_PR"),
                take("contracts", "CONTRACTS"),
                take("turnover", "VAL_INLAKH", 5),
                take("open_interest", "OPEN_INT"),
                take("open_interest_change", "CHG_IN_OI"),
                take_date("session", "TIMESTAMP", "%d-%b-%Y")};
  form.takes.push_back(take_pattern("instrument_id", "NSE:{SYMBOL}:{EXPIRY_DT}:{STRIKE_PR}:{OPTION_TYP}"));
  return form;
}

/// 34 columns for both segments. Rmks and the reserved ones are blank in every file seen.
Form udiff(bool derivatives) {
  Form form;
  form.name = "nse_udiff";
  form.header = {"TradDt",
                 "BizDt",
                 "Sgmt",
                 "Src",
                 "FinInstrmTp",
                 "FinInstrmId",
                 "ISIN",
                 "TckrSymb",
                 "SctySrs",
                 "XpryDt",
                 "FininstrmActlXpryDt",
                 "StrkPric",
                 "OptnTp",
                 "FinInstrmNm",
                 "OpnPric",
                 "HghPric",
                 "LwPric",
                 "ClsPric",
                 "LastPric",
                 "PrvsClsgPric",
                 "UndrlygPric",
                 "SttlmPric",
                 "OpnIntrst",
                 "ChngInOpnIntrst",
                 "TtlTradgVol",
                 "TtlTrfVal",
                 "TtlNbOfTxsExctd",
                 "SsnId",
                 "NewBrdLotQty"};
  form.optional = {"Rmks", "Rsvd1", "Rsvd2", "Rsvd3", "Rsvd4"};
  form.takes = {take_date("session", "TradDt", "%Y-%m-%d"),
                take("instrument_type", "FinInstrmTp"),
                take("isin", "ISIN"),
                take("symbol", "TckrSymb"),
                take("series", "SctySrs"),
                take("open", "OpnPric"),
                take("high", "HghPric"),
                take("low", "LwPric"),
                take("close", "ClsPric"),
                take("last", "LastPric"),
                take("prev_close", "PrvsClsgPric"),
                take("settlement", "SttlmPric"),
                take("turnover", "TtlTrfVal"),
                take("trades", "TtlNbOfTxsExctd")};
  auto add = [&](Take t) { form.takes.push_back(std::move(t)); };
  if (!derivatives) {
    add(take("name", "FinInstrmNm"));
    add(take("volume", "TtlTradgVol"));
    add(take_pattern("instrument_id", "{Src}:{TckrSymb}:{SctySrs}"));
    form.guards.push_back({{"Sgmt"}, cash_only});
    return form;
  }
  add(take("contract", "FinInstrmNm"));
  add(take_date("expiry", "XpryDt", "%Y-%m-%d"));
  add(take_date("actual_expiry", "FininstrmActlXpryDt", "%Y-%m-%d"));
  add(take_rule("strike", {"StrkPric", "OptnTp"}, strike_or_none));
  add(take_text("option_type", {"OptnTp"}, call_or_put));
  add(take("underlying_price", "UndrlygPric"));
  add(take("open_interest", "OpnIntrst"));
  add(take("open_interest_change", "ChngInOpnIntrst"));
  add(take("lot_size", "NewBrdLotQty"));
  add(take_rule("contracts", {"TtlTradgVol", "NewBrdLotQty", "Src"}, udiff_contracts));
  add(take_rule("volume", {"TtlTradgVol", "NewBrdLotQty", "Src"}, udiff_units));
  add(take_pattern("instrument_id", "{Src}:{FinInstrmId}"));
  form.guards.push_back({{"Sgmt"}, derivatives_only});
  return form;
}

/// What other forms of the data set say and this one does not is null here.
void complete(std::vector<Form>& forms) {
  const std::vector<Form> all = forms;
  for (Form& form : forms) {
    form.sessions = Form::Sessions::one;
    form.dash_is_null = true;
    for (const Form& other : all)
      for (const Take& t : other.takes)
        if (form.find(t.column) == nullptr) form.takes.push_back(take_constant(t.column, ""));
  }
}

}  // namespace

std::vector<Form> nse_forms(const Dataset& dataset) {
  const bool derivatives = dataset.column("expiry") != nullptr;
  std::vector<Form> forms;
  if (derivatives) forms = {udiff(true), legacy_derivatives()};
  else forms = {full(), udiff(false), legacy_cash()};
  complete(forms);
  return forms;
}

}  // namespace tapemill::sources
