#include "sources/nse_index.h"

namespace tapemill::sources {

Form nse_index_form(const Dataset& dataset) {
  Form form;
  form.name = "nse_index";
  form.header = {"Index Name",
                 "Index Date",
                 "Open Index Value",
                 "High Index Value",
                 "Low Index Value",
                 "Closing Index Value",
                 "Points Change",
                 "Change(%)",
                 "Volume",
                 "Turnover (Rs. Cr.)",
                 "P/E",
                 "P/B",
                 "Div Yield"};
  form.sessions = Form::Sessions::one;
  form.dash_is_null = true;
  form.takes = {take("symbol", "Index Name"),
                take_date("session", "Index Date", "%d-%m-%Y"),
                take("open", "Open Index Value"),
                take("high", "High Index Value"),
                take("low", "Low Index Value"),
                take("close", "Closing Index Value"),
                take("volume", "Volume"),
                take("turnover", "Turnover (Rs. Cr.)", 7),
                take("pe", "P/E"),
                take("pb", "P/B"),
                take("dividend_yield", "Div Yield")};
  form.takes.push_back(take_pattern("instrument_id", dataset.exchange + ":INDEX:{Index Name}"));
  return form;
}

}  // namespace tapemill::sources
