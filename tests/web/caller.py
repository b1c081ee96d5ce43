"""A caller that sends bytes as it is told to, and not what a well-behaved library would send."""

from __future__ import annotations

import http.client
import socket
from urllib.parse import urlsplit

MULTIPART = "multipart/form-data; boundary=edge"


def form(data: bytes, name: str = "image") -> bytes:
    """A MULTIPART body of one file."""
    head = f'--edge\r\nContent-Disposition: form-data; name="{name}"; filename="photo.png"\r\n\r\n'
    return head.encode() + data + b"\r\n--edge--\r\n"


class Caller:
    """One connection that sends what it is told to."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self.socket = socket.create_connection((address.hostname, address.port), timeout=20)

    def send(self, path: str, body: bytes = b"", *headers: str, method: str = "POST") -> None:
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", ""]
        self.socket.sendall("\r\n".join(lines).encode() + body)

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers in lower case, body."""
        response = http.client.HTTPResponse(self.socket)
        response.begin()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()

    def ended(self) -> bool:
        """Whether the server has closed the connection, waited for."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
