import pytest
from program import DAYS, PROGRAM, Program, day


@pytest.fixture(scope="session")
def program():
    if not PROGRAM.exists():
        pytest.fail(f"{PROGRAM} is not built")
    return PROGRAM


@pytest.fixture
def tapemill(program, tmp_path):
    return Program(tmp_path)


@pytest.fixture(scope="session")
def filled(program, tmp_path_factory):
    """A program whose lake holds three days of stocks_daily; tests read it only."""
    made = Program(tmp_path_factory.mktemp("filled"))
    for date, start in DAYS.items():
        (made.folder / f"{date}.csv").write_text(day(date, start))
    made("ingest", "stocks_daily", *(f"{date}.csv" for date in DAYS))
    return made
