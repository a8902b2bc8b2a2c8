// Forms by hand where no real file is at hand: what each column means, its unit and its null.
#include "source_test.h"

namespace tapemill::sources {
namespace {

TEST(NseForms, LegacyCashOfElevenColumns) {
  Folder folder;
  Drained d = drain(dataset("nse_cash"),
                    folder.write("cm02JAN2012bhav.csv",
                                 "SYMBOL,SERIES,OPEN,HIGH,LOW,CLOSE,LAST,PREVCLOSE,TOTTRDQTY,TOTTRDVAL,TIMESTAMP,\n"
                                 "ACC,EQ,1,2,0.5,1.5,1.5,1.4,100,150.55,02-JAN-2012,\n"));
  ASSERT_TRUE(d.status.ok()) << d.status.ToString();
  EXPECT_EQ(d.info.form, "nse_legacy");
  EXPECT_EQ(d.info.session->str(), "2012-01-02");
  EXPECT_EQ(d.at("turnover", 0), "150.55");
  EXPECT_EQ(d.at("trades", 0), "null");
  EXPECT_EQ(d.at("isin", 0), "null");
}

TEST(NseForms, IndexCloses) {
  Folder folder;
  Drained d =
      drain(dataset("nse_index"),
            folder.write(
                "ind_close_all_24072025.csv",
                "Index Name,Index Date,Open Index Value,High Index Value,Low Index Value,Closing Index Value,Points "
                "Change,Change(%),Volume,Turnover (Rs. Cr.),P/E,P/B,Div Yield\n"
                "Nifty 50,24-07-2025,25243.3,25246.25,25018.7,25062.1,-157.8,-.63,338728860,27433.34,22.15,3.46,1.31\n"
                "India VIX,24-07-2025,13.4125,13.8625,12.77,13.1,-.1,-1.2,-,-,-,-,-\n"
                "Nifty Capital Goods,24-07-2025,-,-,-,100,-2,-1.96,1,1,1,1,1\n"
                "Nifty Bank,23-07-2025,1,1,1,1,1,1,1,1,1,1,1\n"));
  ASSERT_TRUE(d.status.ok()) << d.status.ToString();
  EXPECT_EQ(d.info.session->str(), "2025-07-24");
  ASSERT_EQ(d.rows, 3);
  EXPECT_EQ(d.at("instrument_id", 0), "NSE:INDEX:Nifty 50");
  EXPECT_EQ(d.at("close", 0), "25062.1000");
  EXPECT_EQ(d.at("turnover", 0), "274333400000.00");
  EXPECT_EQ(d.at("volume", 1), "null");
  EXPECT_EQ(d.at("open", 1), "13.4125");
  EXPECT_EQ(d.at("open", 2), "null");
  ASSERT_EQ(d.refused.size(), 1u);
  EXPECT_EQ(d.refused[0].check, "session");
}

TEST(NseForms, LegacyDerivatives) {
  Folder folder;
  const std::string header =
      "INSTRUMENT,SYMBOL,EXPIRY_DT,STRIKE_PR,OPTION_TYP,OPEN,HIGH,LOW,CLOSE,SETTLE_PR,CONTRACTS,VAL_INLAKH,OPEN_INT,"
      "CHG_IN_OI,TIMESTAMP,\n";
  Dataset fo = dataset("nse_fo");
  for (Column& column : fo.columns)
    if (column.name == "volume") column.null_refused = false;
  Drained d = drain(
      fo,
      folder.write(
          "fo.csv",
          header + "FUTIDX,BANKNIFTY,25-Jan-2024,0,XX,48000,48100,47000,47500,47500,100,723.51,2000,-15,02-JAN-2024,\n"
                   "OPTIDX,BANKNIFTY,25-Jan-2024,48000.5,CE,1,2,0.5,1.5,1.5,10,72.4,300,0,02-JAN-2024,\n"
                   "OPTIDX,BANKNIFTY,25-Jan-2024,48000,XE,1,2,0.5,1.5,1.5,10,72.4,300,0,02-JAN-2024,\n"));
  ASSERT_TRUE(d.status.ok()) << d.status.ToString();
  EXPECT_EQ(d.info.form, "nse_legacy");
  ASSERT_EQ(d.rows, 2);
  EXPECT_EQ(d.at("strike", 0), "null");
  EXPECT_EQ(d.at("option_type", 0), "null");
  EXPECT_EQ(d.at("strike", 1), "48000.50");
  EXPECT_EQ(d.at("turnover", 0), "72351000.00");
  EXPECT_EQ(d.at("contracts", 0), "100");
  EXPECT_EQ(d.at("volume", 0), "null");  // the form says no lot size
  EXPECT_EQ(d.at("open_interest_change", 0), "-15");
  EXPECT_EQ(d.at("instrument_id", 1), "NSE:BANKNIFTY:25-Jan-2024:48000.5:CE");
  ASSERT_EQ(d.refused.size(), 1u);
  EXPECT_EQ(d.refused[0].reason, "option_type: \"XE\" is none of CE, PE");
}

const std::string kUdiff =
    "TradDt,BizDt,Sgmt,Src,FinInstrmTp,FinInstrmId,ISIN,TckrSymb,SctySrs,XpryDt,FininstrmActlXpryDt,StrkPric,OptnTp,"
    "FinInstrmNm,OpnPric,"
    "HghPric,LwPric,ClsPric,LastPric,PrvsClsgPric,UndrlygPric,SttlmPric,OpnIntrst,ChngInOpnIntrst,TtlTradgVol,"
    "TtlTrfVal,"
    "TtlNbOfTxsExctd,SsnId,NewBrdLotQty,Rmks,Rsvd1,Rsvd2,Rsvd3,Rsvd4\n";

TEST(NseForms, VolumeIsInLotsAtNseAndInUnitsAtBse) {
  Folder folder;
  const std::string row =
      "2025-01-01,2025-01-01,FO,{},IDO,7,,X,,2025-02-27,2025-02-27,410.00,PE,X25FEB410PE,0,0,0,26.20,0,26.20,416.10,18."
      "95,0,0,{},0.00,0,F1,25,,,,,\n";
  Drained d = drain(dataset("nse_fo"), folder.write("a.csv", kUdiff + fmt::format(fmt::runtime(row), "NSE", 4) +
                                                                 fmt::format(fmt::runtime(row), "BSE", 100)));
  ASSERT_TRUE(d.status.ok()) << d.status.ToString();
  ASSERT_EQ(d.rows, 2);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(d.at("contracts", i), "4");
    EXPECT_EQ(d.at("volume", i), "100");
  }
  EXPECT_EQ(d.at("instrument_id", 1), "BSE:7");
}

TEST(NseForms, ARowOfAnotherSessionIsRefused) {
  Folder folder;
  const std::string row =
      "{},{},FO,NSE,IDO,7,,X,,2025-02-27,2025-02-27,410.00,PE,X25FEB410PE,0,0,0,26.20,0,26.20,416.10,18.95,0,0,4,0.00,"
      "0,F1,25,,,,,\n";
  auto of = [&](const char* date) { return fmt::format(fmt::runtime(row), date, date); };
  Drained d =
      drain(dataset("nse_fo"), folder.write("a.csv", kUdiff + of("2025-01-01") + of("2025-01-02") + of("1601-01-01")));
  ASSERT_TRUE(d.status.ok()) << d.status.ToString();
  EXPECT_EQ(d.rows, 1);
  ASSERT_EQ(d.refused.size(), 2u);
  EXPECT_EQ(d.refused[0].check, "session");
  EXPECT_EQ(d.refused[0].reason, "session: 2025-01-02 in the file of 2025-01-01");
}

TEST(NseForms, MuhuratClosesInTheEvening) {
  Folder folder;
  Drained d = drain(
      dataset("nse_cash"),
      folder.write("a.csv",
                   "SYMBOL,SERIES,OPEN,HIGH,LOW,CLOSE,LAST,PREVCLOSE,TOTTRDQTY,TOTTRDVAL,TIMESTAMP,TOTALTRADES,ISIN,\n"
                   "ACC,EQ,1,2,0.5,1.5,1.5,1.4,100,150,01-NOV-2024,5,INE012A01025,\n"));
  ASSERT_TRUE(d.status.ok()) << d.status.ToString();
  EXPECT_EQ(d.at("available_at", 0), "2024-11-01 13:30:00.000000Z");  // 19:00 IST
}

std::string snapshot_header(bool actual) {
  std::string text =
      "timestamp,price,qty,avgPrice,volume,bQty,sQty,open,high,low,close,changeper,lastTradeTime,oi,oiHigh,oiLow";
  for (const char* side : {"bq{0},bp{0},bo{0}", "sq{0},sp{0},so{0}"})
    for (int i = 0; i < 5; ++i) text += "," + fmt::format(fmt::runtime(side), i);
  return text + ",ts,symbol,opt_type,strike,year,month" + (actual ? ",volactual" : "") + "\n";
}
std::string snapshot(const std::string& timestamp, const std::string& ts, const std::string& last,
                     const std::string& tail) {
  // The values of the row that conventions.md 8 quotes.
  return timestamp + ",0,475,0,0,2760,2160,0,0,0,8191.15,-100," + last +
         ",0,0,0,600,7462.55,1,0,0,0,0,0,0,0,0,0,0,0,0,45,7596.85,1,0,0,0,0,0,0,0,0,0,0,0,0," + ts + tail + "\n";
}

TEST(Snapshots, TimesAreTheExchangesWallClock) {
  Folder folder;
  const std::string none = "1970-01-01T05:30:00Z";
  const std::string text =
      snapshot_header(false) + snapshot("2024-08-23T09:15:01Z", none, none, ",BANKNIFTY,CE,43500,1970,1") +
      snapshot("2024-08-23 09:15:02.750", "2024-08-23T09:15:02Z", none, ",BANKNIFTY,CE,43500,2024,8") +
      snapshot(none, "2024-08-23T09:15:03Z", none, ",BANKNIFTY,CE,43500,2024,8") +
      snapshot("", "", "2024-08-23T09:15:04Z", ",BANKNIFTY,CE,43500,2024,8") +
      snapshot("2024-08-23T09:15:05+05:30", none, none, ",BANKNIFTY,CE,43500,2024,8") +
      snapshot(none, none, "x", ",BANKNIFTY,CE,43500,1970,1");
  Drained d = drain(dataset("snapshots"), folder.write("banknifty24aug43500ce.csv.gz", *gzip_compress(text)));
  ASSERT_TRUE(d.status.ok()) << d.status.ToString();
  EXPECT_EQ(d.info.form, "snapshots_52");
  EXPECT_EQ(d.info.unit, "banknifty24aug43500ce 2024-08-23");
  ASSERT_EQ(d.rows, 5);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(d.at("time", i), fmt::format("2024-08-23 03:45:0{}.000000Z", i + 1));  // 09:15 IST
    EXPECT_EQ(d.at("session", i), "2024-08-23");
  }
  EXPECT_EQ(d.at("available_at", 0), "2024-08-23 03:45:02.000000Z");
  EXPECT_EQ(d.at("instrument_id", 0), "NSE:BANKNIFTY24AUG43500CE");
  EXPECT_EQ(d.at("underlying", 0), "BANKNIFTY");
  EXPECT_EQ(d.at("expiry", 0), "2024-08-28");  // last Wednesday
  EXPECT_EQ(d.at("option_type", 0), "CE");
  EXPECT_EQ(d.at("strike", 0), "43500.00");
  EXPECT_EQ(d.at("bp0", 0), "7462.55");
  EXPECT_EQ(d.at("sq0", 0), "45");
  EXPECT_EQ(d.at("close", 0), "8191.15");
  EXPECT_EQ(d.at("volume_actual", 0), "null");
  ASSERT_EQ(d.refused.size(), 1u);
  EXPECT_EQ(d.refused[0].check, "parse");
  EXPECT_EQ(d.refused[0].line, 7);
}

TEST(Snapshots, TheOldRegexTrapAndSpot) {
  Folder folder;
  const std::string row =
      snapshot("2019-04-10T09:15:01Z", "2019-04-10T09:15:01Z", "2019-04-10T09:15:01Z", ",BANKNIFTY,CE,28500,2019,4,77");
  Drained d = drain(dataset("snapshots"), folder.write("banknifty1941128500ce.csv", snapshot_header(true) + row));
  ASSERT_TRUE(d.status.ok()) << d.status.ToString();
  EXPECT_EQ(d.at("strike", 0), "28500.00");  // not 128500
  EXPECT_EQ(d.at("expiry", 0), "2019-04-11");
  EXPECT_EQ(d.at("volume_actual", 0), "77");
  d = drain(dataset("snapshots"),
            folder.write("nifty.csv", snapshot_header(false) + snapshot("2024-08-23T09:15:01Z", "", "", ",,,,2024,8")));
  ASSERT_TRUE(d.status.ok()) << d.status.ToString();
  EXPECT_EQ(d.at("instrument_id", 0), "NSE:NIFTY");
  EXPECT_EQ(d.at("underlying", 0), "NIFTY");
  EXPECT_EQ(d.at("strike", 0), "null");
  EXPECT_EQ(d.at("option_type", 0), "null");
}

TEST(Polygon, MinutesAcrossSummerTimeAndEarlyCloses) {
  Folder folder;
  auto file = [&](const std::string& date, std::int64_t seconds) {
    return drain(dataset("stocks_minute"), folder.write(date + ".csv", kPolygonHeader + "A,1,1,1,1,1," +
                                                                           std::to_string(seconds) + "000000000,1\n"));
  };
  EXPECT_EQ(file("2024-03-08", 1709908200).at("available_at", 0), "2024-03-08 14:31:00.000000Z");  // 09:30 EST
  EXPECT_EQ(file("2024-03-11", 1710163800).at("available_at", 0), "2024-03-11 13:31:00.000000Z");  // 09:30 EDT
  Drained late = file("2024-03-11", 1710205200);  // 21:00 EDT, 01:00 UTC of the next day
  EXPECT_EQ(late.at("session", 0), "2024-03-11");
  Drained eve = drain(dataset("stocks_daily"),
                      folder.write("2024-12-24.csv", kPolygonHeader + "A,1.5,1,1,1,1,1735016400000000000,1\n"));
  ASSERT_TRUE(eve.status.ok()) << eve.status.ToString();
  EXPECT_EQ(eve.at("available_at", 0), "2024-12-24 18:00:00.000000Z");  // 13:00 EST
  EXPECT_EQ(eve.at("volume", 0), "1.5");
}

Dataset quotes_csv() {
  Dataset d;
  d.table = "quotes", d.source = "csv", d.exchange = "XX", d.available = "bar_close", d.bar = kSecond;
  d.calendar = *Calendar::load("nse");
  d.columns = {{.name = "instrument_id", .kind = Kind::string},
               {.name = "session", .kind = Kind::date},
               {.name = "time", .kind = Kind::timestamp},
               {.name = "note", .kind = Kind::string},
               {.name = "n", .kind = Kind::int32},
               {.name = "flag", .kind = Kind::boolean}};
  d.key = {"instrument_id", "time"};
  d.csv["instrument_id"].fill = "{exchange}:{note}";
  d.csv["time"] = {.from = "when", .format = "local", .fill = ""};
  return d;
}

TEST(Csv, MappingFormatsAndQuotes) {
  Folder folder;
  const std::string text =
      "when,ignored,note,n,flag\n2024-08-23 09:15:00,x,\"a, \"\"b\"\"\nc\",7,true\n2024-08-23 "
      "23:59:59.5,x,y,-,0\n2024-08-24T00:00:00+05:30,,y,3000000000,1\n2024-08-24T00:00:00+05:30,,y,3,1\n";
  Drained d = drain(quotes_csv(), folder.write("q.csv", text));
  ASSERT_TRUE(d.status.ok()) << d.status.ToString();
  ASSERT_EQ(d.rows, 2) << d.refused.size();
  EXPECT_EQ(d.at("session", 1), "2024-08-24");  // an offset is believed
  EXPECT_EQ(d.at("time", 1), "2024-08-23 18:30:00.000000Z");
  EXPECT_EQ(d.at("note", 0), "a, \"b\"\nc");
  EXPECT_EQ(d.at("instrument_id", 0).substr(0, 4), "XX:a");
  EXPECT_EQ(d.at("time", 0), "2024-08-23 03:45:00.000000Z");
  EXPECT_EQ(d.at("session", 0), "2024-08-23");
  EXPECT_EQ(d.at("flag", 0), "true");
  ASSERT_EQ(d.refused.size(), 2u);
  EXPECT_EQ(d.refused[0].line, 4);
  EXPECT_EQ(d.refused[0].reason, "n: \"-\" is not a number");
  EXPECT_EQ(d.refused[1].reason, "n: \"3000000000\" is out of range");
}

TEST(Csv, EpochsAndMissingColumns) {
  Folder folder;
  const std::pair<const char*, const char*> epochs[] = {{"epoch_s", "1724384700"},
                                                        {"epoch_ms", "1724384700000"},
                                                        {"epoch_us", "1724384700000000"},
                                                        {"epoch_ns", "1724384700000000000"},
                                                        {"", "2024-08-23T03:45:00Z"}};
  for (const auto& [format, value] : epochs) {
    Dataset spec = quotes_csv();
    spec.csv["time"].format = format;
    Drained d = drain(spec, folder.write("q.csv", fmt::format("when,note,n,flag\n{},a,1,1\n", value)));
    ASSERT_TRUE(d.status.ok()) << d.status.ToString();
    ASSERT_EQ(d.rows, 1) << format;
    EXPECT_EQ(d.at("time", 0), "2024-08-23 03:45:00.000000Z") << format;
  }
  Status status = drain(quotes_csv(), folder.write("q.csv", "when,note,flag\n1,a,1\n")).status;
  EXPECT_EQ(exit_code(status), 1);
  EXPECT_NE(render(status, false).find("it lacks n"), std::string::npos) << render(status, false);
}

}  // namespace
}  // namespace tapemill::sources
