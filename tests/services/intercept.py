# SPDX-License-Identifier: GPL-2.0-or-later
"""intercept.py PORT CERTIFICATE KEY READY: a proxy that opens TLS by a certificate of its own CA.

CONNECT is answered by itself; what is asked inside goes on in plain to port 80 of the same host, with a Via.
"""
import http.client
import socketserver
import ssl
import sys

port, certificate, key, ready = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)


def read_head(stream):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = stream.recv(1)
        if not byte or len(head) > 16384:
            raise OSError("no head")
        head += byte
    return head.decode("latin-1").split("\r\n")[0].split(" ")


class Handler(socketserver.BaseRequestHandler):
    timeout = 20

    def handle(self):
        try:
            method, where, _ = read_head(self.request)
            if method != "CONNECT":
                self.request.sendall(b"HTTP/1.0 405 CONNECT only\r\n\r\n")
                return
            self.request.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
            with context.wrap_socket(self.request, server_side=True) as inside:
                method, path, _ = read_head(inside)
                onward = http.client.HTTPConnection(where.rsplit(":", 1)[0], 80, timeout=10)
                onward.request("GET", path, headers={"Via": "1.1 intercept"})
                onward.getresponse().read()
                inside.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n")
        except (OSError, ValueError):
            pass  # who does not trust the certificate leaves


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


server = Server(("127.0.0.1", int(port)), Handler)
open(ready, "w").close()
server.serve_forever()
