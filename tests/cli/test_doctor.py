"""What doctor says of a lake's tables, and /health of the same lake: one check."""
import json

from program import Program
from served import served
from test_guidance import ROWS, SPEC


def tables_line(tapemill, code):
    done = tapemill("doctor", "--json", code=code)
    return next(one for one in json.loads(done.stdout)["checks"] if one["what"] == "tables")


def two_files(folder):
    """A lake that two files of one spec came into, each by its own commit of landing and bronze."""
    made = Program(folder)
    head, *rows = ROWS.splitlines(keepends=True)
    (folder / "spec.yaml").write_text(SPEC)
    (folder / "p1.csv").write_text(head + "".join(rows[:3]))
    (folder / "p2.csv").write_text(head + "".join(rows[3:]))
    for file in ("p1.csv", "p2.csv"):
        made("ingest", "spec.yaml", file)
    return made


def test_a_lake_of_two_deliveries_is_healthy(tmp_path):
    tapemill = two_files(tmp_path)
    assert len(list((tapemill.lake / "landing/desk").glob("*.parquet"))) == 2
    line = tables_line(tapemill, (0, 3))  # 3: this machine lacks something else
    assert line["ok"] and line["advice"] == "" and line["found"].endswith("every part there"), line
    with served(tapemill) as ask:
        assert json.loads(ask("/health")[1])["damaged"] == []


def test_doctor_and_health_find_the_same_damage(tmp_path):
    tapemill = two_files(tmp_path)
    next((tapemill.lake / "landing/desk").glob("*.parquet")).unlink()
    line = tables_line(tapemill, (1, 3))
    assert not line["ok"] and "landing.desk: 1 part missing" in line["advice"]
    assert "restore it from a backup" in line["advice"] and "rebuild" not in line["advice"]  # landing is what others are rebuilt from
    with served(tapemill) as ask:
        said = json.loads(ask("/health")[1])
        assert said["status"] == "degraded" and said["damaged"] == ["landing.desk"]
