"""A local HTTPS server that replaces CakeChat's S3 bucket in tests."""

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
    """The content of the server and its requests.

    Attributes:
        address: The URL of the bucket.
        files: The content of each file by path.
        redirects: The target URL of each redirect by path.
        truncated: Paths whose connection is closed after half of the content.
        requests: The requested paths.
    """

    address: str = ""
    files: dict[str, bytes] = attrs.field(factory=dict)
    redirects: dict[str, str] = attrs.field(factory=dict)
    truncated: set[str] = attrs.field(factory=set)
    requests: list[str] = attrs.field(factory=list)


@contextmanager
def serve_bucket(certificate: trustme.LeafCert) -> Iterator[Bucket]:
    """Serves over HTTPS until the block ends."""
    bucket = Bucket()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            bucket.requests.append(self.path)
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
                self.wfile.write(content[: len(content) // 2] if self.path in bucket.truncated else content)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Prints nothing when a client rejects the certificate, which a test expects."""

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


def make_authority(folder: Path) -> tuple[trustme.CA, Path]:
    """Makes a certificate authority, and the file to trust it with."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    return authority, folder / "ca.pem"
