"""A server on this machine's loopback that gives photos, or behaves badly."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Server:
    """Answers every connection with the bytes that `answer` sends; keeps what was asked."""

    answer: Callable[[socket.socket, bytes], None]
    tls: ssl.SSLContext | None = None
    asked: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connected, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=[connected], daemon=True).start()

    def _one(self, connected: socket.socket) -> None:
        try:
            with self.tls.wrap_socket(connected, server_side=True) if self.tls else connected as stream:
                request = b""
                while b"\r\n\r\n" not in request and (chunk := stream.recv(4096)):
                    request += chunk
                self.asked.append(request)
                self.answer(stream, request)
        except OSError:
            return

    def close(self) -> None:
        self._listening.close()


def reply(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body
