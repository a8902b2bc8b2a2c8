"""`tapemill schema show | diff | evolve` as their users run them."""
import json

SCHEMA = {"type": "record", "name": "bars", "fields": [
    {"name": "symbol", "type": "string"},
    {"name": "session", "type": {"type": "int", "logicalType": "date"}},
    {"name": "close", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 2}], "default": None, "unit": "USD"},
]}
SPEC = "table: bars\nsource: csv\ncalendar: nyse\nkey: [symbol, session]\nschema: bars_v{}.avsc\n" \
       'csv: {{columns: {{session: {{from: session, format: "%Y-%m-%d"}}}}}}\n'


def write(tapemill, version, schema):
    (tapemill.folder / f"bars_v{version}.avsc").write_text(json.dumps(schema), encoding="utf-8")
    (tapemill.folder / "bars.yaml").write_text(SPEC.format(version), encoding="utf-8")


def with_field(**field):
    return SCHEMA | {"fields": [*SCHEMA["fields"], field]}


def test_show_says_what_maps_to_what(tapemill):
    write(tapemill, 1, SCHEMA)
    shown = json.loads(tapemill("schema", "show", "bars_v1.avsc", "--json").stdout)
    assert [(f["field"], f["parquet"], f["arrow"], f["column"], f["nullable"]) for f in shown["fields"]] == [
        ("symbol", "BYTE_ARRAY STRING", "utf8", "string", False), ("session", "INT32 DATE", "date32", "date", False),
        ("close", "DECIMAL(18,2)", "decimal64(18, 2)", "decimal(18,2)", True)]
    assert "DECIMAL(18,2)" in tapemill("schema", "show", "bars_v1.avsc").stdout
    write(tapemill, 2, with_field(name="sizes", type={"type": "array", "items": "long"}))
    done = tapemill("schema", "show", "bars_v2.avsc", code=2)
    assert "list<int64>" in done.stdout and "refused" in done.stdout
    assert 'bars_v2.avsc:1:' in done.stderr and 'field "sizes" is array' in done.stderr
    assert "no Avro schema" in tapemill("schema", "show", "bars.yaml", code=2).stderr


def test_a_new_version_beside_the_old_one(tapemill):
    write(tapemill, 1, SCHEMA)
    assert "there is no lake" in tapemill("schema", "diff", "bars.yaml", code=2).stderr
    (tapemill.folder / "one.csv").write_text("symbol,session,close\nA,2024-01-02,1.5\n", encoding="utf-8")
    tapemill("ingest", "bars.yaml", "one.csv")
    assert "are those of the spec" in tapemill("schema", "diff", "bars.yaml").stdout
    write(tapemill, 2, with_field(name="volume", type=["null", "long"], default=None))
    text = tapemill("schema", "diff", "bars.yaml").stdout
    assert "added" in text and "allowed" in text and "volume long is new; rows of before are null" in text
    assert "version 1" in tapemill("describe", "bars").stdout  # diff changes nothing
    assert "version 2" in tapemill("schema", "evolve", "bars.yaml").stdout
    assert "volume" in tapemill("describe", "bars").stdout
    assert "EVOLVE" in tapemill("history", "bars").stdout
    write(tapemill, 3, SCHEMA)
    done = tapemill("schema", "diff", "bars.yaml", "--json", code=1)
    change, = json.loads(done.stdout)["tables"][0]["changes"]
    assert (change["kind"], change["column"], change["allowed"]) == ("removed", "volume", False)
    assert 'has the column "volume", the spec has not' in done.stderr and "a column may not go" in done.stderr
    done = tapemill("ingest", "bars.yaml", "one.csv", code=1)
    assert "a column may not go" in done.stderr


def test_ingest_says_what_it_changed(tapemill):
    write(tapemill, 1, SCHEMA)
    (tapemill.folder / "one.csv").write_text("symbol,session,close\nA,2024-01-02,1.5\n", encoding="utf-8")
    tapemill("ingest", "bars.yaml", "one.csv")
    write(tapemill, 2, with_field(name="venue", type="string", default="XNYS"))
    (tapemill.folder / "two.csv").write_text("symbol,session,close,venue\nA,2024-01-03,1.5,XNAS\n", encoding="utf-8")
    assert "columns: venue string is new; rows of before get XNYS" in tapemill("ingest", "bars.yaml", "two.csv").stdout
    rows = json.loads(tapemill("query", "select venue from bars order by session", "--json").stdout)["rows"]
    assert rows == [["XNYS"], ["XNAS"]]
