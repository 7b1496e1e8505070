"""Show the built book on this machine: python -m tools.serve [PORT]"""

from __future__ import annotations

import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SITE = Path(__file__).resolve().parents[1] / "_build" / "html"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_) -> None:
        """A line for every file of every page would bury the address."""


def main(port: str) -> int:
    try:
        server = ThreadingHTTPServer(
            ("127.0.0.1", int(port)), partial(Quiet, directory=SITE))
    except (OSError, ValueError, OverflowError) as error:
        print(f"Port {port} cannot be used ({error}): choose another, for "
              "example make serve PORT=8001", file=sys.stderr)
        return 1
    print(f"The book is at http://localhost:{port}; Ctrl-C stops it.",
          flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2] or ["8000"]))
