"""A web server on this machine that stands in for CakeChat's bucket, with a certificate of its own."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import attrs
import trustme


@attrs.define
class Bucket:
    """What is served, and what was asked for."""

    address: str = ""
    files: dict[str, bytes] = attrs.field(factory=dict)
    redirects: dict[str, str] = attrs.field(factory=dict)
    cut: set[str] = attrs.field(factory=set)
    asked: list[str] = attrs.field(factory=list)


@contextmanager
def serving(certificate: trustme.LeafCert) -> Iterator[Bucket]:
    """Serves over HTTPS until the block ends."""
    bucket = Bucket()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            bucket.asked.append(self.path)
            if self.path in bucket.redirects:
                self.send_response(302)
                self.send_header("Location", bucket.redirects[self.path])
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            content = bucket.files.get(self.path)
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            if content:
                self.wfile.write(content[: len(content) // 2] if self.path in bucket.cut else content)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Says nothing of a client that refuses the certificate, as it should."""

    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    bucket.address = f"https://localhost:{server.server_port}/data"
    try:
        yield bucket
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def authority_in(folder: Path) -> tuple[trustme.CA, Path]:
    """Makes who signs the certificate, and the file by which it is trusted."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    return authority, folder / "ca.pem"
