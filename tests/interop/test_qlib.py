"""The Qlib store: by its bytes with struct, and by qlib itself (heavy), against what the lake says."""
import pathlib
import struct

import pytest
from interop_program import tapemill

FIELDS = ["open", "high", "low", "close", "volume", "factor"]


@pytest.fixture(scope="module")
def store(sp500_lake):
    lake = sp500_lake
    report = tapemill(lake, "export", "qlib", "sp500")
    assert report["instruments"] == 505
    assert report["sessions"] == 1259
    assert report["rows"] == 619017
    return lake, pathlib.Path(report["folder"])


def rows_of(lake, symbol):
    shown = tapemill(lake, "query", f"select cast(session as varchar), open, high, low, close, volume from sp500 where symbol = '{symbol}' order by session")
    return {row[0]: [float(value) for value in row[1:]] for row in shown["rows"]}


def float32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def test_by_its_bytes(store):
    lake, folder = store
    calendar = (folder / "calendars/day.txt").read_text().split()
    assert calendar == sorted(calendar) and len(calendar) == 1259
    instruments = [line.split("\t") for line in (folder / "instruments/all.txt").read_text().splitlines()]
    assert len(instruments) == 505 and instruments == sorted(instruments)
    total = 0
    for symbol, first, last in instruments:
        data = (folder / "features" / symbol.lower() / "close.day.bin").read_bytes()
        values = struct.unpack(f"<{len(data) // 4}f", data)
        assert calendar[int(values[0])] == first
        assert calendar[int(values[0]) + len(values) - 2] == last
        assert values[1] == values[1] and values[-1] == values[-1]  # begins and ends with a bar
        total += sum(value == value for value in values[1:])
    assert total == 619017
    for symbol in ("AAPL", "DHR", "BRK.B"):
        rows = rows_of(lake, symbol)
        for at, field in enumerate(FIELDS):
            data = (folder / "features" / symbol.lower() / f"{field}.day.bin").read_bytes()
            values = struct.unpack(f"<{len(data) // 4}f", data)
            start = int(values[0])
            for slot, value in enumerate(values[1:]):
                row = rows.get(calendar[start + slot])
                if row is None:
                    assert value != value, f"{symbol} {field} {calendar[start + slot]}"
                else:
                    assert value == (1.0 if field == "factor" else float32(row[at]))


@pytest.mark.heavy
def test_by_qlib(store):
    qlib = pytest.importorskip("qlib", reason="qlib is missing: the store is NOT tested with it")
    from qlib.data import D

    lake, folder = store
    qlib.init(provider_uri=str(folder), region="us", expression_cache=None, dataset_cache=None)
    assert len(D.calendar(freq="day")) == 1259
    assert len(D.list_instruments(D.instruments("all"), as_list=True)) == 505
    for symbol in ("AAPL", "DHR"):
        frame = D.features([symbol], [f"${name}" for name in FIELDS] + ["Mean($close, 5)"], freq="day")
        rows = rows_of(lake, symbol)
        there = frame.dropna(subset=["$close"])
        assert len(there) == len(rows)
        for (_, stamp), row in there.iterrows():
            assert list(row)[:5] == [float32(value) for value in rows[str(stamp.date())]]
            assert row["$factor"] == 1
        closes = list(rows.values())
        if len(frame) == len(there):
            assert abs(there["Mean($close, 5)"].iloc[4] - sum(row[3] for row in closes[:5]) / 5) < 1e-4
