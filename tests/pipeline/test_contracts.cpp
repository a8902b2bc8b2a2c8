// The contract master, over NSE's real F&O files of 2025-01-01 and 02 and by hand.
#include "lake/compact.h"
#include "lake/restore.h"
#include "pipeline/contracts.h"
#include "pipeline/maintain.h"
#include "pipeline_test.h"

namespace tapemill::pipeline::test {
namespace {

/// "lot expiry kind step" of a contract on a session, by its name.
std::string facts(const arrow::Table& rows, const std::string& contract, const std::string& session) {
  for (std::int64_t i = 0; i < rows.num_rows(); ++i)
    if (at(rows, "contract", i) == contract && at(rows, "session", i) == session)
      return at(rows, "lot_size", i) + " " + at(rows, "expiry", i) + " " + at(rows, "expiry_kind", i) + " " +
             at(rows, "strike_step", i);
  return "not there";
}

TEST(Contracts, LotsAndExpiriesOfTheRealFiles) {
  if (!fs::exists(shared_data() / "nse_fo_udiff")) GTEST_SKIP() << "no ../shared/data: NSE's contracts are NOT tested";
  Folder folder;
  const std::string root = folder / "lake";
  auto report = must(ingest_into(root, "nse_fo", {(shared_data() / "nse_fo_udiff").string()}));
  auto rows = rows_of(root, "contracts");
  ASSERT_EQ(rows->num_rows(), report.quality.rows_kept);
  // conventions.md 5: weeklies 75 while the January monthly keeps 25; BANKNIFTY 15 and 30.
  EXPECT_EQ(facts(*rows, "NIFTY2510924000CE", "2025-01-01"), "75 2025-01-09 weekly 50.00");
  EXPECT_EQ(facts(*rows, "NIFTY25JAN24000CE", "2025-01-01").substr(0, 24), "25 2025-01-30 monthly 50");
  EXPECT_EQ(facts(*rows, "BANKNIFTY25JAN51000CE", "2025-01-02").substr(0, 13), "15 2025-01-30");
  EXPECT_EQ(facts(*rows, "BANKNIFTY25FEB51000CE", "2025-01-02").substr(0, 13), "30 2025-02-27");
  EXPECT_EQ(facts(*rows, "FINNIFTY25FEB23000CE", "2025-01-02").substr(0, 2), "65");
  EXPECT_EQ(facts(*rows, "MIDCPNIFTY25FEB12500CE", "2025-01-02").substr(0, 3), "120");
  std::set<std::string> expiries;
  for (std::int64_t i = 0; i < rows->num_rows(); ++i)
    if (at(*rows, "instrument_id", i) == "NSE:39427") expiries.insert(at(*rows, "expiry", i));
  EXPECT_EQ(expiries, (std::set<std::string>{"2025-01-29", "2025-01-30"}));  // it moved between the two files
}

const std::string kLegacy =
    "INSTRUMENT,SYMBOL,EXPIRY_DT,STRIKE_PR,OPTION_TYP,OPEN,HIGH,LOW,CLOSE,SETTLE_PR,CONTRACTS,VAL_INLAKH,OPEN_INT,"
    "CHG_IN_OI,TIMESTAMP,\n";
const std::string kUdiff =
    "TradDt,BizDt,Sgmt,Src,FinInstrmTp,FinInstrmId,ISIN,TckrSymb,SctySrs,XpryDt,FininstrmActlXpryDt,StrkPric,OptnTp,"
    "FinInstrmNm,OpnPric,HghPric,LwPric,ClsPric,LastPric,PrvsClsgPric,UndrlygPric,SttlmPric,OpnIntrst,ChngInOpnIntrst,"
    "TtlTradgVol,TtlTrfVal,TtlNbOfTxsExctd,SsnId,NewBrdLotQty,Rmks,Rsvd1,Rsvd2,Rsvd3,Rsvd4\n";
std::string option(const std::string& day, int id, const std::string& strike, int lot) {
  return fmt::format(
      "{0},{0},FO,NSE,IDO,{1},,NIFTY,,2025-01-09,2025-01-09,{2},CE,NIFTY25109{2}CE,0,0,0,26.20,0,26.20,24000,18.95,0,0,"
      "0,0.00,"
      "0,F1,{3},,,,,\n",
      day, id, strike, lot);
}

TEST(Contracts, StepsComeFromTheChainAndARestatedDayReplacesItsContracts) {
  Folder folder;
  const std::string root = folder / "lake";
  const std::string first = kUdiff + option("2025-01-02", 1, "23000.00", 75) + option("2025-01-02", 2, "23500.00", 75) +
                            option("2025-01-02", 3, "23550.00", 75);
  must(ingest_into(root, "nse_fo", {folder.write("a.csv", first)}));
  auto rows = rows_of(root, "contracts");
  ASSERT_EQ(rows->num_rows(), 3);
  EXPECT_EQ(at(*rows, "strike_step", 0), "500.00");
  EXPECT_EQ(at(*rows, "strike_step", 1), "50.00");
  EXPECT_EQ(at(*rows, "lot_source", 0), "file");
  EXPECT_EQ(at(*rows, "tick_size", 0), "0.05");
  const auto version = must(opened(root).table(lake::Layer::silver, "contracts").version());
  must(ingest_into(root, "nse_fo", {folder.write("a.csv", first)}));
  EXPECT_EQ(must(opened(root).table(lake::Layer::silver, "contracts").version()), version);  // nothing to do
  const std::string again = kUdiff + option("2025-01-02", 1, "23000.00", 25) + option("2025-01-02", 2, "23100.00", 25) +
                            option("2025-01-02", 4, "23550.00", 75);
  must(ingest_into(root, "nse_fo", {folder.write("a.csv", again)}, kArrived + 1));
  rows = rows_of(root, "contracts");
  ASSERT_EQ(rows->num_rows(), 3);
  EXPECT_EQ(at(*rows, "lot_size", 0), "25");
  EXPECT_EQ(at(*rows, "strike_step", 0), "100.00");
  EXPECT_EQ(at(*rows, "instrument_id", 2), "NSE:4");
}

/// The parts of the contract master by name.
std::map<std::string, std::string> parts_of(const std::string& root) {
  std::map<std::string, std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(root + "/silver/contracts"))
    if (entry.path().extension() == ".parquet") out[entry.path().filename()] = slurp(entry.path());
  return out;
}

// Fresh parts of bronze give their pages; of compacted ones every row is read and written.
TEST(Contracts, CarriedOrWrittenTheirPartsHaveTheSameBytes) {
  Folder folder;
  const std::string root = folder / "lake";
  std::vector<std::string> files;
  for (const char* day : {"2025-01-01", "2025-01-02", "2025-01-03"}) {
    std::string text = kUdiff;
    for (int i = 0; i < 9000; ++i) text += option(day, 30000 + i, fmt::format("{}.00", 20000 + 7 * i), 75);
    files.push_back(folder.write(std::string(day) + ".csv", text));
  }
  must(ingest_into(root, "nse_fo", files));
  const auto carried = parts_of(root);
  const auto rows = rows_of(root, "contracts");
  ASSERT_EQ(carried.size(), 3u);
  EXPECT_EQ(at(*rows, "strike_step", 5000), "7.00");
  const lake::Lake lake = opened(root);
  const lake::Table bronze = lake.table(lake::Layer::bronze, "nse_fo");
  MemoryBudget budget;
  must(lake::compact(bronze, must(layout_for(lake, bronze, must(bronze.snapshot()))), {}, Workers(2), budget));
  ASSERT_EQ(must(bronze.snapshot()).parts.size(), 1u);
  fs::remove_all(root + "/silver/contracts");
  ASSERT_TRUE(refresh_contracts(lake, must(load_dataset("nse_fo")), Workers(2), budget).ok());
  EXPECT_TRUE(parts_of(root) == carried);
  EXPECT_TRUE(rows_of(root, "contracts")->Equals(*rows));
}

TEST(Contracts, FollowBronzeBackToAnEarlierVersion) {
  Folder folder;
  const std::string root = folder / "lake";
  must(ingest_into(root, "nse_fo", {folder.write("a.csv", kUdiff + option("2025-01-01", 1, "24000.00", 75))}));
  must(ingest_into(root, "nse_fo", {folder.write("b.csv", kUdiff + option("2025-01-02", 1, "24000.00", 25))}));
  ASSERT_EQ(rows_of(root, "contracts")->num_rows(), 2);
  const lake::Lake lake = opened(root);
  must(lake::restore(lake.table(lake::Layer::bronze, "nse_fo"), 1, false));
  MemoryBudget budget;
  ASSERT_TRUE(refresh_derived(lake, must(load_dataset("nse_fo")), Workers(2), budget).ok());
  auto rows = rows_of(root, "contracts");
  ASSERT_EQ(rows->num_rows(), 1);
  EXPECT_EQ(at(*rows, "lot_size", 0), "75");
  EXPECT_EQ(rows_of(root, "silver.nse_fo")->num_rows(), 1);
}

TEST(Contracts, WhereTheFileSaysNoLotTheRulesDo) {
  Folder folder;
  const std::string root = folder / "lake";
  // Volume is null in the older form, which nse_fo refuses: a spec of one's own takes it.
  std::string spec = slurp(share_folder() + "/datasets/nse_fo.yaml");
  const std::string refuse = "volume: {type: int64, unit: units, null: refuse,";
  ASSERT_NE(spec.find(refuse), std::string::npos);
  spec.replace(spec.find(refuse), refuse.size(), "volume: {type: int64, unit: units,");
  must(ingest_into(
      root, folder.write("nse_fo.yaml", spec),
      {folder.write("fo.csv", kLegacy + "OPTIDX,NIFTY,25-Jan-2024,21500,CE,1,2,0.5,1.5,1.5,100,723.51,2000,-15,"
                                        "02-JAN-2024,\n"
                                        "OPTSTK,ACC,25-Jan-2024,2200,CE,1,2,0.5,1.5,1.5,100,723.51,2000,-15,"
                                        "02-JAN-2024,\n")}));
  auto rows = rows_of(root, "contracts");
  ASSERT_EQ(rows->num_rows(), 2);
  EXPECT_EQ(at(*rows, "symbol", 0), "ACC");
  EXPECT_EQ(at(*rows, "lot_size", 0), "null");  // no row of rules/ says it: never a default
  EXPECT_EQ(at(*rows, "lot_source", 0), "null");
  EXPECT_EQ(at(*rows, "lot_size", 1), "50");
  EXPECT_EQ(at(*rows, "lot_source", 1), "rules");
}

}  // namespace
}  // namespace tapemill::pipeline::test
