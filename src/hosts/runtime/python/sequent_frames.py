"""Frames to the host, and the output of the function in them."""

import io
import json
import os
import sys
from base64 import b64encode
from threading import Lock, RLock, Thread
from time import monotonic, sleep

MAX_OUTPUT_BYTES = 4_096
KEPT_BYTES = 2 * MAX_OUTPUT_BYTES
MAX_ESCAPED_RESULT = 2
IN_BASE64 = -1
SEND_EVERY_S = 0.02
"""Output is sent to the host at once, and then at most once per this interval."""

parse_text = json.JSONDecoder().decode
write_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
write_ascii = json.JSONEncoder(separators=(",", ":")).encode

writing = Lock()


def parse(line):
    return parse_text(line.decode("utf-8", "replace"))


def encoded(frame):
    try:
        return write_text(frame).encode("utf-8")
    except UnicodeEncodeError:  # Half of a pair of surrogates.
        return write_ascii(frame).encode("ascii")


def send(frame):
    """Writes synchronously (RUN2), and waits while the pipe is full."""
    line = encoded(frame) + b"\n"
    try:
        with writing:
            sent = os.write(4, line)
            while sent < len(line):
                sent += os.write(4, line[sent : sent + 1_048_576])
    except OSError:
        os._exit(1)  # The host is gone, or this is a fork that went on behind the handler.


def send_value(execution, text, max_bytes, rest):
    """The host accepts a line in proportion to the largest value of the function. Of a larger value it gets the size alone."""
    if len(text) * 6 <= max_bytes:
        return send(["returned", execution, text] + rest)
    content = text.encode("utf-8", "surrogatepass")
    rest = rest if len(rest) > 2 else rest + [None]
    if len(content) > max_bytes:
        return send(["returned", execution, ""] + rest + [len(content)])
    if len(write_text(text)) <= MAX_ESCAPED_RESULT * max_bytes:
        return send(["returned", execution, text] + rest)
    return send(["returned", execution, b64encode(content).decode("ascii")] + rest + [IN_BASE64])


def last_bytes(text, limit):
    """The last part of a text, at most `limit` bytes of UTF-8, cut between characters."""
    if len(text) * 4 <= limit:
        return text
    content = text[-limit - 1 :].encode("utf-8", "replace")
    return text if len(content) <= limit else content[-limit:].decode("utf-8", "ignore")


class Output:
    """What the function prints. It is sent early enough to survive a kill of this process, and rarely enough that a flood does not load the host."""

    def __init__(self):
        self._lock = RLock()
        self._pending = ""
        self._dropped = None
        self._kept = KEPT_BYTES
        self._is_open = True
        self._is_scheduled = False
        self._sent_at = 0.0

    def keep(self, max_output_bytes):
        if max_output_bytes is not None:
            self._kept = max_output_bytes + MAX_OUTPUT_BYTES

    def print(self, text):
        with self._lock:
            if not self._is_open or not text:
                return
            self._pending += text
            if len(self._pending) > 2 * self._kept:
                self._cut()
            if monotonic() - self._sent_at >= SEND_EVERY_S:
                self.flush()
            elif not self._is_scheduled:
                self._is_scheduled = True
                Thread(target=self._flush_later, daemon=True).start()

    def flush(self):
        with self._lock:
            if self._pending:
                self._sent_at = monotonic()
                self._cut()
                dropped = [] if self._dropped is None else [self._dropped]
                text = self._pending
                self._pending, self._dropped = "", None
                send(["printed", text] + dropped)

    def open(self):
        with self._lock:
            self._pending, self._dropped = "", None
            self._sent_at = 0.0
            self._is_open = True

    def close(self):
        """Returns the output that was not sent. What is printed later belongs to no execution, also by a thread while the result is being sent."""
        with self._lock:
            self._is_open = False
            if not self._pending:
                return ""
            text = last_bytes(self._pending, self._kept)
            self._pending, self._dropped = "", None
            return text

    def _cut(self):
        rest = last_bytes(self._pending, self._kept)
        if len(rest) < len(self._pending):
            self._dropped = (self._dropped or 0) + self._pending.count("\n", 0, len(self._pending) - len(rest))
            self._pending = rest

    def _flush_later(self):
        sleep(SEND_EVERY_S)
        with self._lock:
            self._is_scheduled = False
            self.flush()


class Bytes(io.RawIOBase):
    """`sys.stdout.buffer`."""

    def __init__(self, output, fd):
        self._output, self._fd = output, fd

    def writable(self):
        return True

    def fileno(self):
        return self._fd

    def write(self, content):
        self._output.print(bytes(content).decode("utf-8", "replace"))
        return len(content)


class Text(io.TextIOBase):
    """`sys.stdout` and `sys.stderr`. Their file descriptor is that of the process: what a program writes there arrives without the runtime."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, output, fd):
        self._output = output
        self.buffer = Bytes(output, fd)

    def writable(self):
        return True

    def fileno(self):
        return self.buffer.fileno()

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError("write() argument must be str, not %s" % type(text).__name__)
        self._output.print(text)
        return len(text)


def capture_output():
    """Replaces `sys.stdout` and `sys.stderr`. A fork of this process prints to its file descriptors, and cannot write a frame."""
    for fd in (3, 4):
        os.set_inheritable(fd, False)
    output = Output()
    sys.stdout, sys.stderr = Text(output, 1), Text(output, 2)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=forget_channel)
    return output


def forget_channel():
    global writing
    writing = Lock()
    for fd in (3, 4):
        try:
            os.close(fd)
        except OSError:
            pass
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
