"""Avro containers that fastavro wrote and Protobuf messages that Google's library wrote, read by `tapemill ingest`."""
import datetime
import json
import random
import subprocess
from decimal import Decimal

import pytest
from interop_program import PROGRAM, tapemill

fastavro = pytest.importorskip("fastavro", reason="fastavro is missing: Avro is NOT tested with another implementation")
google = pytest.importorskip("google.protobuf", reason="protobuf is missing: Protobuf is NOT tested with another implementation")
from google.protobuf import descriptor_pb2, message_factory, timestamp_pb2  # noqa: E402

UTC = datetime.timezone.utc
SCHEMA = {
    "type": "record", "name": "tick", "namespace": "feed", "schema_version": "1.0.0", "fields": [
        {"name": "symbol", "type": "string", "doc": "the ticker"},
        {"name": "session", "type": {"type": "int", "logicalType": "date"}},
        {"name": "time", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "close", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 4}], "default": None},
        {"name": "volume", "type": "long"},
        {"name": "ratio", "type": "double"},
        {"name": "trades", "type": "int"},
        {"name": "halted", "type": "boolean"},
        {"name": "side", "type": {"type": "enum", "name": "side", "symbols": ["BUY", "SELL"]}},
    ]}
SPEC = "table: ticks\nsource: {source}\ncalendar: nyse\nexchange: US\nkey: [symbol, time]\n{schema}"
FIELDS = [field["name"] for field in SCHEMA["fields"]]


def rows(count):
    made = []
    numbers = random.Random(5)
    for i in range(count):
        day = datetime.date(2024, 1, 2) + datetime.timedelta(days=i % 4)
        made.append({
            "symbol": f"S{i % 7}", "session": day,
            "time": datetime.datetime(day.year, day.month, day.day, 15, 0, tzinfo=UTC) + datetime.timedelta(microseconds=i * 1_000_003),
            "close": None if i % 11 == 0 else Decimal(numbers.randrange(-10**12, 10**12)).scaleb(-4),
            "volume": numbers.randrange(-10**18 + 1, 10**18), "ratio": numbers.random() * 10 ** numbers.randrange(-9, 9),
            "trades": numbers.randrange(-2**31, 2**31), "halted": i % 3 == 0, "side": ["BUY", "SELL"][i % 2]})
    return made


def read_back(lake):
    answer = tapemill(lake, "query", "select symbol, session::varchar, epoch_us(time), close::varchar, volume, ratio, trades, "
                      "halted, side from ticks order by time", "--limit", "100000")
    return [tuple(row) for row in answer["rows"]]


def expected(made):
    return [(r["symbol"], str(r["session"]), round(r["time"].timestamp() * 1_000_000), None if r["close"] is None else f"{r['close']:.4f}",
             r["volume"], r["ratio"], r["trades"], r["halted"], r["side"]) for r in sorted(made, key=lambda r: r["time"])]


@pytest.mark.parametrize("codec", ["null", "deflate", "bzip2", "snappy"])
def test_what_fastavro_wrote(tmp_path, codec):
    made = rows(3000)
    with (tmp_path / "ticks.avro").open("wb") as file:
        fastavro.writer(file, fastavro.parse_schema(SCHEMA), made, codec=codec, sync_interval=4000)
    (tmp_path / "ticks_v1.avsc").write_text(json.dumps(SCHEMA, indent=1), encoding="utf-8")
    (tmp_path / "ticks.yaml").write_text(SPEC.format(source="avro", schema="schema: ticks_v1.avsc\n"), encoding="utf-8")
    report = tapemill(tmp_path / "lake", "ingest", tmp_path / "ticks.yaml", tmp_path / "ticks.avro")
    assert (report["rows_in"], report["rows_stored"]) == (3000, 3000)
    assert read_back(tmp_path / "lake") == expected(made)
    versions = tapemill(tmp_path / "lake", "query", "select distinct schema_version from ticks")
    assert versions["rows"] == [["1.0.0"]]


def test_an_older_file_is_read_by_a_newer_schema(tmp_path):
    """int -> long, a default, an alias and a field that is not asked for: as fastavro resolves them itself."""
    old = {"type": "record", "name": "tick", "fields": [
        {"name": "sym", "type": "string"}, {"name": "session", "type": {"type": "int", "logicalType": "date"}},
        {"name": "volume", "type": "int"}, {"name": "extra", "type": {"type": "map", "values": ["null", {"type": "array", "items": "string"}]}}]}
    new = {"type": "record", "name": "tick", "fields": [
        {"name": "symbol", "type": "string", "aliases": ["sym"]}, {"name": "session", "type": {"type": "int", "logicalType": "date"}},
        {"name": "volume", "type": "long"}, {"name": "venue", "type": "string", "default": "XNYS"}]}
    made = [{"sym": f"S{i}", "session": datetime.date(2024, 1, 2), "volume": i, "extra": {"a": None, "b": ["x", "y"]}} for i in range(50)]
    path = tmp_path / "ticks.avro"
    with path.open("wb") as file:
        fastavro.writer(file, fastavro.parse_schema(old), made)
    with path.open("rb") as file:
        theirs = [(r["symbol"], r["volume"], r["venue"]) for r in fastavro.reader(file, reader_schema=fastavro.parse_schema(new))]
    (tmp_path / "ticks.avsc").write_text(json.dumps(new), encoding="utf-8")
    (tmp_path / "ticks.yaml").write_text(
        "table: ticks\nsource: avro\ncalendar: nyse\nkey: [symbol, session]\nschema: ticks.avsc\n", encoding="utf-8")
    tapemill(tmp_path / "lake", "ingest", tmp_path / "ticks.yaml", path)
    ours = tapemill(tmp_path / "lake", "query", "select symbol, volume, venue from ticks order by volume")
    assert [tuple(row) for row in ours["rows"]] == theirs


def tick_class():
    file = descriptor_pb2.FileDescriptorProto(name="feed.proto", package="feed", syntax="proto3",
                                              dependency=["google/protobuf/timestamp.proto"])
    side = file.enum_type.add(name="Side")
    for number, name in enumerate(["BUY", "SELL"]):
        side.value.add(name=name, number=number)
    message = file.message_type.add(name="Tick")
    kinds = descriptor_pb2.FieldDescriptorProto
    for number, (name, kind, type_name) in enumerate([
            ("symbol", kinds.TYPE_STRING, ""), ("time", kinds.TYPE_MESSAGE, ".google.protobuf.Timestamp"), ("close", kinds.TYPE_STRING, ""),
            ("volume", kinds.TYPE_SINT64, ""), ("ratio", kinds.TYPE_DOUBLE, ""), ("trades", kinds.TYPE_SFIXED32, ""),
            ("halted", kinds.TYPE_BOOL, ""), ("side", kinds.TYPE_ENUM, ".feed.Side"), ("session", kinds.TYPE_STRING, "")], 1):
        field = message.field.add(name=name, number=number, type=kind, label=kinds.LABEL_OPTIONAL)
        if type_name:
            field.type_name = type_name
    files = descriptor_pb2.FileDescriptorSet()
    timestamp_pb2.DESCRIPTOR.CopyToProto(files.file.add())
    files.file.append(file)
    return files, message_factory.GetMessages(files.file)["feed.Tick"]


def varint(value):
    out = b""
    while value >= 0x80:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


PROTO_COLUMNS = """protobuf:
  descriptor: feed.desc
  message: feed.Tick
columns:
  symbol: {type: string, null: refuse}
  session: {type: date, null: refuse}
  time: {type: timestamp, null: refuse}
  close: {type: string}
  volume: {type: int64}
  ratio: {type: double}
  trades: {type: int32}
  halted: {type: boolean}
  side: {type: string, symbols: [BUY, SELL]}
"""


def test_what_protobuf_wrote(tmp_path):
    files, tick = tick_class()
    (tmp_path / "feed.desc").write_bytes(files.SerializeToString())
    (tmp_path / "ticks.yaml").write_text(SPEC.format(source="protobuf", schema=PROTO_COLUMNS), encoding="utf-8")
    made, stream = rows(2000), b""
    for r in made:
        one = tick(symbol=r["symbol"], close="" if r["close"] is None else f"{r['close']:.4f}", volume=r["volume"], ratio=r["ratio"],
                   trades=r["trades"], halted=r["halted"], side=r["side"], session=str(r["session"]))
        one.time.FromDatetime(r["time"])
        data = one.SerializeToString()
        stream += varint(len(data)) + data
    (tmp_path / "ticks.bin").write_bytes(stream)
    report = tapemill(tmp_path / "lake", "ingest", tmp_path / "ticks.yaml", tmp_path / "ticks.bin")
    assert (report["rows_in"], report["rows_stored"]) == (2000, 2000)
    assert read_back(tmp_path / "lake") == expected(made)
    # The lake has all of the spec: without the files beside it the next one goes in, and what does not fit is a dead letter.
    (tmp_path / "feed.desc").unlink()
    (tmp_path / "ticks.yaml").unlink()
    (tmp_path / "more.bin").write_bytes(varint(5) + b"\x0a\x09abc")
    report = tapemill(tmp_path / "lake", "ingest", "ticks", tmp_path / "more.bin")
    assert (report["rows_in"], report["rows_quarantined"]) == (1, 1)
    letters = tapemill(tmp_path / "lake", "quarantine", "list", "ticks")
    assert "past the end of its message" in json.dumps(letters)


def test_a_cut_file_is_refused_whole(tmp_path):
    with (tmp_path / "ticks.avro").open("wb") as file:
        fastavro.writer(file, fastavro.parse_schema(SCHEMA), rows(500), codec="deflate", sync_interval=1000)
    whole = (tmp_path / "ticks.avro").read_bytes()
    (tmp_path / "ticks.avro").write_bytes(whole[:len(whole) * 2 // 3])
    (tmp_path / "ticks.yaml").write_text(SPEC.format(source="avro", schema="schema: " + json.dumps(SCHEMA) + "\n"), encoding="utf-8")
    done = subprocess.run([PROGRAM, "ingest", tmp_path / "ticks.yaml", tmp_path / "ticks.avro", "--lake", tmp_path / "lake"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "cut short" in done.stdout + done.stderr
    assert tapemill(tmp_path / "lake", "query", "select count(*) from bronze.ticks")["rows"] == [[0]]
