"""Marks: heavy tests run in .deps/venv-interop (make test-interop), the others in .deps/venv-test (make test)."""


def pytest_configure(config):
    config.addinivalue_line("markers", "heavy: needs the packages of venv-interop")
