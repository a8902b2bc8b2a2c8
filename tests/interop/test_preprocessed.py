"""Prepared tables against pandas and scikit-learn: the same numbers out of the same rows."""
import json

import pytest
from interop_program import tapemill

pd = pytest.importorskip("pandas", reason="pandas is missing: preprocessing is not compared with it")
sklearn = pytest.importorskip("sklearn.preprocessing", reason="scikit-learn is missing: scaling is not compared with it")
pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is missing: prepared tables are not read")
np = pytest.importorskip("numpy")
pytestmark = pytest.mark.heavy

FIT, APPLY = ("2013-02-08", "2016-12-30"), "2017-01-03"
SYMBOLS = ["AAPL", "MSFT", "XOM"]


def delta(lake, layer, table, columns=None):
    """The rows of the log's current files (deltalake does not share an environment with these packages)."""
    folder, parts = lake / layer / table, set()
    for commit in sorted((folder / "_delta_log").glob("*.json")):
        for action in map(json.loads, commit.read_text().splitlines()):
            if "add" in action:
                parts.add(action["add"]["path"])
            if "remove" in action:
                parts.discard(action["remove"]["path"])
    return pd.concat([pq.read_table(folder / part, columns=columns, partitioning=None).to_pandas() for part in sorted(parts)])


@pytest.fixture(scope="module")
def source(sp500_lake):
    rows = delta(sp500_lake, "bronze", "sp500", ["instrument_id", "session", "close", "volume"])
    rows = rows.astype({"close": float, "volume": float, "session": "datetime64[ns]"})
    return rows.sort_values(["instrument_id", "session"], ignore_index=True)


def prepared(lake, folder, steps, more=f"fit: {{start: {FIT[0]}, end: {FIT[1]}}}\n"):
    path = folder / "steps.yaml"
    path.write_text(f"preprocess: compared\nversion: 1.0.0\nfrom: {{table: sp500, columns: [close, volume]}}\n{more}steps:\n{steps}")
    report = tapemill(lake, "preprocess", path)
    rows = delta(lake, "gold", "prepared_compared")
    rows["session"] = rows["session"].astype("datetime64[ns]")
    return rows.sort_values(["instrument_id", "session"], ignore_index=True), report


@pytest.mark.parametrize(("method", "scaler"), [("standard", "StandardScaler"), ("minmax", "MinMaxScaler"), ("robust", "RobustScaler")])
@pytest.mark.parametrize("by", ["all", "instrument"])
def test_scaling_is_scikit_learns(sp500_lake, source, tmp_path, method, scaler, by):
    ours, report = prepared(sp500_lake, tmp_path, f"  - normalize: {{method: {method}, by: {by}}}\n")
    train = source[source.session.between(*FIT)]
    assert report["fit_rows"] == len(train)
    later = source[source.session >= APPLY].reset_index(drop=True)
    assert len(ours) == len(later)
    if by == "all":
        expected = getattr(sklearn, scaler)().fit(train[["close", "volume"]]).transform(later[["close", "volume"]])
        np.testing.assert_allclose(ours[["close", "volume"]], expected, rtol=1e-9, atol=1e-11)
        return
    for symbol in SYMBOLS:
        one, rest = train[train.instrument_id == f"US:{symbol}"], later[later.instrument_id == f"US:{symbol}"]
        expected = getattr(sklearn, scaler)().fit(one[["close", "volume"]]).transform(rest[["close", "volume"]])
        np.testing.assert_allclose(ours.loc[rest.index, ["close", "volume"]], expected, rtol=1e-9, atol=1e-11)


def test_gaps_lags_and_days_are_pandas(sp500_lake, source, tmp_path):
    """Rows far from their instrument's median are taken out, then filled in by a line."""
    steps = ("  - clean_data: {outlier_detection: {method: iqr, over: 0.5, columns: [volume]}, handle_missing_values: {volume: interpolate}}\n"
             "  - engineer_features: {time_features: [day_of_week, week_of_year, day_of_year, quarter], create_lag_features: [close], lag_periods: [1, 20]}\n")
    more = f"fit: {{start: {FIT[0]}, end: {FIT[1]}}}\napply: {{start: {FIT[0]}}}\nallow_lookahead: true\n"
    ours, report = prepared(sp500_lake, tmp_path, steps, more)
    assert len(report["lookahead"]) == 2
    groups = source.groupby("instrument_id")
    fit = source[source.session.between(*FIT)].groupby("instrument_id").volume
    q1, q3 = source.instrument_id.map(fit.quantile(0.25)), source.instrument_id.map(fit.quantile(0.75))
    far = (source.volume < q1 - 0.5 * (q3 - q1)) | (source.volume > q3 + 0.5 * (q3 - q1))
    assert report["steps"][0]["counts"]["volume outlying"] == far.sum() > 1000
    holes = source.volume.mask(far).groupby(source.instrument_id, group_keys=False)
    np.testing.assert_allclose(ours.volume, holes.apply(lambda one: one.interpolate()), rtol=1e-12)
    for lag in (1, 20):
        np.testing.assert_array_equal(ours[f"close_lag_{lag}"], groups.close.shift(lag))
    days = source.session.dt
    for name, expected in (("day_of_week", days.day_of_week), ("week_of_year", days.isocalendar().week), ("day_of_year", days.day_of_year), ("quarter", days.quarter)):
        np.testing.assert_array_equal(ours[name], expected.astype(float))


def test_outliers_by_median_distance(sp500_lake, source, tmp_path):
    ours, _ = prepared(sp500_lake, tmp_path, "  - clean_data: {outlier_detection: {method: mad, columns: [volume], otherwise: clip}}\n")
    later = source[source.session >= APPLY].reset_index(drop=True)
    for symbol in SYMBOLS:
        one = source[(source.instrument_id == f"US:{symbol}") & source.session.between(*FIT)].volume
        median, mad = one.median(), (one - one.median()).abs().median()
        rest = later[later.instrument_id == f"US:{symbol}"]
        expected = rest.volume.clip(median - 3.5 * mad / 0.6745, median + 3.5 * mad / 0.6745)
        np.testing.assert_allclose(ours.loc[rest.index, "volume"], expected, rtol=1e-12)
