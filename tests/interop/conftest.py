"""Marks: heavy tests run in .deps/venv-interop (make test-interop), the others in .deps/venv-test (make test)."""
import pytest
from interop_program import SHARED, tapemill


def pytest_configure(config):
    config.addinivalue_line("markers", "heavy: needs the packages of venv-interop")


@pytest.fixture(scope="session")
def sp500_lake(tmp_path_factory):
    """A lake with the real sp500; tests add to it only under gold."""
    folder = SHARED / "us_daily_sp500_5yr"
    if not folder.exists():
        pytest.skip(f"{folder} is not there: NOT tested on real files")
    lake = tmp_path_factory.mktemp("interop") / "lake"
    tapemill(lake, "ingest", "sp500", folder)
    return lake
