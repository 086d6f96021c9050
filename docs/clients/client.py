"""A client of Sequent with Python's standard library alone.

    python3 client.py invoke hello '{"name":"Ada"}'   # prints the outcome; exit code 1 when the invocation failed
    python3 client.py respond shop.price              # runs the function behind the subject shop.price

The address is NATS_URL, by default nats://127.0.0.1:4222. A program of yours would use nats-py.
"""

import json
import os
import socket
import sys
import uuid
from urllib.parse import urlparse


class Connection:
    """One connection to NATS: https://docs.nats.io/reference/reference-protocols/nats-protocol"""

    def __init__(self, url):
        address = urlparse(url)
        self.socket = socket.create_connection((address.hostname, address.port or 4222), timeout=30)
        self.lines = self.socket.makefile("rb")
        self.lines.readline()  # INFO
        options = {"verbose": False, "headers": True, "no_responders": True, "lang": "python", "version": "1"}
        if address.username:
            options.update(user=address.username, **{"pass": address.password or ""})
        self.send(f"CONNECT {json.dumps(options)}")

    def send(self, line, *parts):
        self.socket.sendall(b"".join([line.encode(), b"\r\n", *parts]))

    def subscribe(self, subject, number):
        self.send(f"SUB {subject} {number}")

    def publish(self, subject, payload, reply="", headers=None):
        body = payload.encode()
        if not headers:
            self.send(f"PUB {subject} {reply} {len(body)}", body, b"\r\n")
            return
        head = ("NATS/1.0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n").encode()
        self.send(f"HPUB {subject} {reply} {len(head)} {len(head) + len(body)}", head, body, b"\r\n")

    def messages(self):
        """Yields (subject, reply, headers, payload) of each message."""
        while True:
            line = self.lines.readline().decode()
            if not line:
                raise ConnectionError("the server closed the connection")
            kind, _, rest = line.strip().partition(" ")
            if kind == "PING":
                self.send("PONG")
            elif kind == "-ERR":
                raise ConnectionError(rest)
            elif kind in ("MSG", "HMSG"):
                words = rest.split(" ")
                head = int(words[-2]) if kind == "HMSG" else 0
                content = self.lines.read(int(words[-1]) + 2)[:-2]
                fixed = 4 if kind == "HMSG" else 3  # subject, number, [reply], [bytes of the headers], bytes
                reply = words[2] if len(words) > fixed else ""
                pairs = (line.split(":", 1) for line in content[:head].decode().split("\r\n")[1:] if ":" in line)
                yield words[0], reply, {name: value.strip() for name, value in pairs}, content[head:].decode()


def invoke(nats, function, event):
    """Invokes a function and waits for the outcome. The request is durable when the acknowledgement has a sequence."""
    request_id, inbox = str(uuid.uuid4()), f"_INBOX.{uuid.uuid4().hex}"
    nats.subscribe(f"result.{function}.*", 1)
    nats.subscribe(inbox, 2)
    nats.publish(f"invoke.{function}", event, reply=inbox, headers={"Request-Id": request_id})
    for subject, _, headers, payload in nats.messages():
        if subject == inbox:
            # No stream took the request: the payload is empty, and the header says 503.
            if "seq" not in json.loads(payload or "{}"):
                raise SystemExit(f"not accepted: {payload or 'nobody stores requests for ' + function}")
        elif headers.get("Request-Id") == request_id:
            return subject.endswith(".succeeded"), json.loads(payload)["response_payload"]


def respond(nats, subject):
    """Answers each execution of the function that `sequent fn put price --subject shop.price` defines."""
    nats.subscribe(subject, 1)
    print("ready", flush=True)
    for _, reply, headers, payload in nats.messages():
        try:
            event = json.loads(payload)
            nats.publish(reply, json.dumps({"price": 7 * event["count"], "attempt": int(headers["Attempt"])}))
        except Exception as error:  # The function fails, and is retried.
            nats.publish(reply, "", headers={"Nats-Service-Error-Code": "500", "Nats-Service-Error": repr(error)})


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in ("invoke", "respond"):
        raise SystemExit(__doc__)
    connection = Connection(os.environ.get("NATS_URL", "nats://127.0.0.1:4222"))
    if sys.argv[1] == "respond":
        respond(connection, sys.argv[2])
    succeeded, outcome = invoke(connection, sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "{}")
    print(outcome)
    raise SystemExit(0 if succeeded else 1)
