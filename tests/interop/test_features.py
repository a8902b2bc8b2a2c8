"""Feature tables as other programs see them: TA-Lib computes the same numbers, delta-rs and Polars read the same rows."""
import json
import os
import pathlib
import subprocess

import pytest

deltalake = pytest.importorskip("deltalake", reason="deltalake is missing: feature tables are not read by delta-rs")
np = pytest.importorskip("numpy")
pl = pytest.importorskip("polars", reason="polars is missing")
talib = pytest.importorskip("talib", reason="TA-Lib is missing: features are not compared with it")

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("TAPEMILL", ROOT / "build" / "tapemill"))
INDEX = ROOT / ".deps" / "data" / "sp500-2000.csv"


def need(path):
    if not path.exists():
        pytest.skip(f"{path} is not there: this check did NOT run")


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    need(PROGRAM), need(INDEX)
    folder = tmp_path_factory.mktemp("lake")
    tapemill(folder, "ingest", "sp500_index", str(INDEX))
    return folder


def tapemill(lake, *arguments):
    done = subprocess.run([PROGRAM, *arguments, "--lake", lake, "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def bars(lake):
    table = deltalake.DeltaTable(str(lake / "bronze" / "sp500_index")).to_pyarrow_table()
    order = np.argsort(np.array(table["session"]))
    return {name: np.array(table[name].cast("double"))[order] for name in ("open", "high", "low", "close", "volume")}


def features(lake, group):
    report = tapemill(lake, "features", "build", group, "--table", "sp500_index")
    path = str(lake / "gold" / f"features_{group}_sp500_index")
    table = deltalake.DeltaTable(path).to_pyarrow_table()
    rows = pl.from_arrow(table).sort("session")
    assert report["rows"] == rows.height == 5105
    return rows


def close(ours, theirs):
    ours = ours.to_numpy()
    assert np.array_equal(np.isnan(ours), np.isnan(theirs)), "the same bars are null"
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


def test_talib_agrees_with_the_warehouses_indicators(lake, bars):
    rows = features(lake, "equity_indicators")
    c, h, low, v = bars["close"], bars["high"], bars["low"], bars["volume"]
    for n in (5, 10, 20, 50, 100, 200):
        close(rows[f"sma_{n}"], talib.SMA(c, n))
    for n in (12, 26, 50):
        close(rows[f"ema_{n}"], talib.EMA(c, n))
    close(rows["rsi_14"], talib.RSI(c, 14))
    for name, values in zip(("macd", "macd_signal", "macd_histogram"), talib.MACD(c, 12, 26, 9)):
        close(rows[name], values)
    for name, values in zip(("bb_upper", "bb_middle", "bb_lower"), talib.BBANDS(c, 20, 2, 2)):
        close(rows[name], values)
    close(rows["atr_14"], talib.ATR(h, low, c, 14))
    for name, values in zip(("stochastic_k", "stochastic_d"), talib.STOCH(h, low, c, 14, 3, 0, 3, 0)):
        close(rows[name], values)
    np.testing.assert_allclose(rows["obv"].to_numpy(), talib.OBV(c, v), rtol=1e-12)
    close(rows["volume_ma_20"], talib.SMA(v, 20))


def test_numpy_agrees_with_momentum_and_volatility(lake, bars):
    c = bars["close"]
    rows = features(lake, "momentum")
    for n in (1, 5, 21, 63, 252):
        close(rows[f"ret_{n}"], np.concatenate([np.full(n, np.nan), np.log(c[n:] / c[:-n])]))
    rows = features(lake, "volatility")
    returns = np.concatenate([[np.nan], np.log(c[1:] / c[:-1])])
    for n in (21, 63):
        deviation = np.array([np.nan] * n + [returns[i - n + 1:i + 1].std(ddof=1) for i in range(n, len(c))])
        close(rows[f"realized_{n}"], np.sqrt(252) * deviation)
    highest = talib.MAX(bars["high"], 21)
    close(rows["range_21"], highest / talib.MIN(bars["low"], 21) - 1)


def test_available_at_is_the_close_of_the_session(lake, bars):
    rows = features(lake, "momentum")
    assert rows["available_at"].is_sorted()
    assert str(rows["available_at"][0]) == "2000-01-03 21:00:00+00:00"
    assert rows["adjusted_as_known"].null_count() == rows.height


def test_building_again_is_no_commit(lake):
    first = tapemill(lake, "features", "build", "momentum", "--table", "sp500_index")
    again = tapemill(lake, "features", "build", "momentum", "--table", "sp500_index")
    assert again["unchanged"] and again["table_version"] == first["table_version"]


def test_indicators_run_shows_what_features_store(lake):
    rows = features(lake, "equity_indicators")
    shown = tapemill(lake, "indicators", "run", "sp500_index", "--indicators", "RSI_14,sma(close, 200)", "--start", "2020-04-01")
    names = [column["name"] for column in shown["columns"]]
    assert names == ["symbol", "session", "close", "RSI_14", "sma(close, 200)"]
    tail = rows.tail(len(shown["rows"]))
    assert [row[3] for row in shown["rows"]] == tail["rsi_14"].to_list()
    assert [row[4] for row in shown["rows"]] == tail["sma_200"].to_list()


def test_the_catalogue_is_listed_and_explained(lake):
    listed = tapemill(lake, "indicators", "list")["indicators"]
    assert {"sma", "ema", "rsi", "macd", "bb", "atr", "vwap", "obv", "stoch"} <= {one["name"] for one in listed}
    assert tapemill(lake, "indicators", "explain", "rsi")["formula"].startswith("100 * G")
    explained = tapemill(lake, "indicators", "explain", "BB_20")
    assert explained["resolved"] == ["bb(period=20, deviations=2, ddof=0)"] and explained["warm_up"] == 19


@pytest.mark.parametrize("arguments, said", [
    (["features", "build", "momentun"], "did you mean momentum?"),
    (["indicators", "run", "sp500_index", "--indicators", "RSJ_14"], "did you mean RSI?"),
    (["indicators", "run", "sp500_index", "--indicators", "ref(close, -1)"], "look ahead"),
    (["indicators", "run", "sp500_index"], "no indicator is named"),
    (["indicators", "run", "sp500_index", "--indicators", "SMA_20", "--symbols", "ZZ"], "has no rows of ZZ"),
])
def test_wrong_use_is_exit_2_and_says_what_to_do(lake, arguments, said):
    done = subprocess.run([PROGRAM, *arguments, "--lake", lake], capture_output=True, text=True)
    assert done.returncode == 2
    assert said in done.stderr
