"""Takes what OTLP over HTTP sends to HOST:PORT, and answers that all of it was accepted."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Nobody reads it."""


host, port = sys.argv[1].rsplit(":", 1)
ThreadingHTTPServer((host, int(port)), Receiver).serve_forever()
