"""A real object store for tests (deps.lock, [s3 test]), and a proxy before it that answers as a bad day does."""
import contextlib
import datetime
import hashlib
import hmac
import os
import pathlib
import random
import signal
import socket
import socketserver
import subprocess
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVER = ROOT / ".deps/s3/versitygw"
WEED = ROOT / ".deps/s3/weed"
KEY, SECRET = "tapemill-test", "not a secret, only 127.0.0.1"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def installed():
    return SERVER.exists() or WEED.exists()


@contextlib.contextmanager
def server(folder):
    """Yields the endpoint of a store with the buckets lake and flatfiles."""
    (folder / "data").mkdir()
    port = free_port()
    if SERVER.exists():
        command = [SERVER, "--port", f"127.0.0.1:{port}", "--quiet", "posix", folder / "data"]
        keys = {"ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET}
    else:
        command = [WEED, "mini", f"-dir={folder / 'data'}", "-ip=127.0.0.1", f"-s3.port={port}"]
        keys = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
    with subprocess.Popen(list(map(str, command)), env=os.environ | keys, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as child:
        try:
            endpoint = f"http://127.0.0.1:{port}"
            for bucket in ("lake", "flatfiles"):
                for _ in range(300):
                    with contextlib.suppress(OSError):
                        ask(endpoint, "PUT", f"/{bucket}")
                        break
                    time.sleep(0.1)
                else:
                    raise AssertionError("the object store does not start")
            yield endpoint
        finally:
            child.send_signal(signal.SIGKILL)


def ask(endpoint, method, path, body=b""):
    """One signed request (AWS Signature Version 4), by nobody's library."""
    host = endpoint.removeprefix("http://")
    now = datetime.datetime.now(datetime.timezone.utc)
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    digest = hashlib.sha256(body).hexdigest()
    headers = {"host": host, "x-amz-content-sha256": digest, "x-amz-date": stamp}
    names = ";".join(sorted(headers))
    canonical = "\n".join([method, path, "", *(f"{n}:{headers[n]}" for n in sorted(headers)), "", names, digest])
    scope = f"{day}/us-east-1/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = b"AWS4" + SECRET.encode()
    for piece in (day, "us-east-1", "s3", "aws4_request"):
        key = hmac.new(key, piece.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={KEY}/{scope}, SignedHeaders={names}, Signature={signature}"
    request = urllib.request.Request(endpoint + path, data=body or None, headers=headers, method=method)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read()


def environment(endpoint, folder):
    return {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1", "TAPEMILL_CACHE": str(folder / "cache")}


def read_message(sock):
    """Head of a request or an answer, what came of its body, and how long that is. Nothing where the other side has closed."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65536)
        if not piece:
            raise OSError("closed")
        data += piece
    head, body = data.split(b"\r\n\r\n", 1)
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    if head.startswith((b"HTTP/1.1 204", b"HTTP/1.1 304")):
        length = 0
    return head + b"\r\n\r\n", body, length


class Proxy(socketserver.ThreadingTCPServer):
    """Passes requests on, except those that `judge(method, path, number)` has a fault for."""
    allow_reuse_address = daemon_threads = True
    FAULTS = ("500", "503", "cut_before", "cut_after", "cut_middle", "stall")

    def __init__(self, upstream, judge):
        host, port = upstream.removeprefix("http://").split(":")
        self.upstream, self.judge, self.count, self.faults = (host, int(port)), judge, 0, []
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def fault(self, method, path):
        with self.lock:
            self.count += 1
            found = self.judge(method, path, self.count)
            if found:
                self.faults.append((found, method, path))
            return found


def at_random(seed, share):
    chance = random.Random(seed)
    return lambda method, path, number: chance.choice(Proxy.FAULTS) if chance.random() < share else None


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        with contextlib.suppress(OSError, ValueError):
            while self.one():
                pass

    def one(self):
        head, body, length = read_message(self.request)
        method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        while len(body) < length:
            body += self.request.recv(65536)
        fault = self.server.fault(method, path)
        if fault == "stall":
            time.sleep(2.5)
            return False
        if fault in ("500", "503"):
            code = b"<Error><Code>" + {"500": b"InternalError", "503": b"SlowDown"}[fault] + b"</Code></Error>"
            reason = {"500": b"500 Internal Server Error", "503": b"503 Slow Down"}[fault]
            told = code if method != "HEAD" else b""
            self.request.sendall(b"HTTP/1.1 " + reason + b"\r\nContent-Length: %d\r\n\r\n" % len(told) + told)
            return True
        if fault == "cut_before":
            return False
        with socket.create_connection(self.server.upstream, timeout=20) as up:
            up.sendall(head + body)
            head, body, length = read_message(up)
            if method == "HEAD":
                length = 0
            while len(body) < length:
                body += up.recv(65536)
        if fault == "cut_after":  # it is done, and nobody is told
            return False
        if fault == "cut_middle":
            whole = head + body
            self.request.sendall(whole[:max(1, len(whole) - 1 - len(body) // 2)])
            return False
        self.request.sendall(head + body)
        return True
