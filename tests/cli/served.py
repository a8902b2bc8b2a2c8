"""A running `tapemill serve`, for as long as a test asks it."""
import contextlib
import re
import signal
import subprocess
import urllib.error
import urllib.request

from program import PROGRAM


@contextlib.contextmanager
def served(made):
    """A function of (path, method) that gives status and text."""
    with subprocess.Popen([PROGRAM, "serve", "--port", "0"], cwd=made.folder, env=made.env, stdout=subprocess.PIPE, text=True) as server:
        try:
            base = re.search(r"http://[\d.]+:\d+", server.stdout.readline())[0]

            def ask(path, method="GET"):
                try:
                    with urllib.request.urlopen(urllib.request.Request(base + path, method=method), timeout=20) as answer:
                        return answer.status, answer.read().decode()
                except urllib.error.HTTPError as error:
                    return error.code, error.read().decode()

            yield ask
            server.send_signal(signal.SIGINT)
            assert server.wait(timeout=20) == 0
        finally:
            server.kill()
