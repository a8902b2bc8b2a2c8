"""A stand-in for NSE's archive and site and for Yahoo, on this machine: it is NOT the exchange. It gives cookies on its home page, answers the
API only with them, and can throttle, cut off and forbid on demand."""
import http.server
import threading
import time
import urllib.parse


class StandIn:
    """files: path -> bytes, or a list of answers (status or bytes) given one after the other. asked: (time, path, headers) of each request."""

    def __init__(self):
        self.files, self.asked, self.visits = {}, [], 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                path = urllib.parse.unquote(self.path.split("?")[0])
                outer.asked.append((time.monotonic(), self.path, dict(self.headers)))
                if path == "/":
                    outer.visits += 1
                    return self.answer(200, b"<html>home</html>", [("Set-Cookie", f"visit={outer.visits}; Path=/"), ("Set-Cookie", "kind=stand-in")])
                if path.startswith("/api/") and f"visit={outer.visits}" not in self.headers.get("Cookie", ""):
                    return self.answer(401, b"no cookies")
                found = outer.files.get(path, 404)
                if isinstance(found, list):
                    found = found.pop(0) if len(found) > 1 else found[0]
                if isinstance(found, int):
                    return self.answer(found, b"<html>no</html>", [("Retry-After", "0")] if found == 429 else [])
                return self.answer(200, found)

            def answer(self, status, body, headers=()):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
