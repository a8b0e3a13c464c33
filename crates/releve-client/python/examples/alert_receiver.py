"""How are alerts heard? A server that takes webhooks: it checks the signature, does each message once, and answers fast.

RELEVE_LISTEN=127.0.0.1:9000 RELEVE_WEBHOOK_SECRET=whsec_… python3 alert_receiver.py, at `/hooks`. Prints a line for what it is told.
"""

from __future__ import annotations

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any

from releve_client.webhooks import NotSigned, verify

SEEN_LEN_MAX = 100_000
"""Ids that are remembered."""
BODY_BYTES_MAX = 1024 * 1024

SECRET = os.environ["RELEVE_WEBHOOK_SECRET"]
# What was done already, the oldest first. One with a database keeps the id there, in the transaction of what it does: what is
# in memory is forgotten with the process, and a message that comes again is then done again.
seen: dict[str, None] = {}
lock = Lock()


def note(message: str) -> bool:
    """Whether this one is new."""
    with lock:
        if message in seen:
            return False
        seen[message] = None
        if len(seen) > SEEN_LEN_MAX:
            del seen[next(iter(seen))]
        return True


class Receiver(BaseHTTPRequestHandler):
    timeout = 10

    def do_POST(self) -> None:
        """Whatever is not 2xx comes again later: what is not understood, too, once this program is mended."""
        self.send_response(self.take())
        self.end_headers()

    def take(self) -> int:
        length = int(self.headers.get("content-length", "0"))
        if self.path != "/hooks" or length > BODY_BYTES_MAX:
            return 404
        # Of the bytes as they came: JSON that is read and written again is another text.
        body = self.rfile.read(length)
        try:
            message = verify(SECRET, dict(self.headers.items()), body)
        except NotSigned:
            print("refused", flush=True)
            return 401
        told = json.loads(body)
        if note(message):
            print("told", message, told["type"], told["timestamp"], json.dumps(told["data"]), flush=True)
        else:
            print("again", message, flush=True)
        return 204

    def log_message(self, *_: Any) -> None:
        """What matters was printed."""


def main() -> None:
    host, port = os.environ["RELEVE_LISTEN"].rsplit(":", 1)
    ThreadingHTTPServer((host, int(port)), Receiver).serve_forever()


main()
