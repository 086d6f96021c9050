"""What hostile code tries that only Python, or only native code, can. Each function returns what it got, or the name of the error."""

import ctypes
import errno
import os
import signal
import sys

libc = ctypes.CDLL(None, use_errno=True)
MARK = "/tmp/neighbour-python-was-here"


def mark(by):
    with open(MARK, "a") as file:
        file.write(by)


# The import of the module is an attempt, too: the check of an upload must not run it.
mark("import")


def attempt(get):
    try:
        return get()
    except OSError as error:
        return errno.errorcode.get(error.errno, "EOTHER")


def content_of(path):
    with open(path, encoding="latin1") as file:
        return file.read(100_000)


def environmentOf(event, context):
    """The environments of all processes that the code sees, but its own."""
    pids = [pid for pid in os.listdir("/proc") if pid.isdigit() and pid != str(os.getpid())]
    return {pid: attempt(lambda: content_of("/proc/%s/environ" % pid)) for pid in pids}


def rootOf(event, context):
    return attempt(lambda: sorted(os.listdir("/proc/1/root/" + event["path"])))


def native(event, context):
    """A call of the C library. Returns its result, or the name of its error."""
    given = [one.encode() if isinstance(one, str) else one for one in event["args"]]
    before = os.getresuid()
    result = getattr(libc, event["call"])(*given)
    # The user of a user namespace is its root, without rights: the change to the same user is none.
    if event["call"] == "setuid" and os.getresuid() == before:
        return "EPERM"
    return errno.errorcode.get(ctypes.get_errno(), "EOTHER") if result < 0 else "done"


def write(event, context):
    def change():
        with open(event["path"], "w") as file:
            file.write(event["text"])
        return "written"

    return attempt(change)


def frames(event, context):
    """Writes lines to the channel of the runtime, as if it had printed them."""
    os.write(event["fd"], event["text"].encode() * event["count"])
    return "written"


def signals(event, context):
    """Ends all that it may end, and itself at last."""
    for pid in [1, os.getppid(), 0, -1]:
        attempt(lambda: os.kill(pid, signal.SIGKILL))
    os._exit(1)


def loaded(event, context):
    """Which files of the package Python loaded beside the module of the handler, by their names."""
    folder = os.path.dirname(os.path.abspath(__file__))
    found = {name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()}
    return sorted(name for name, path in found.items() if path.startswith(folder) and name not in ("index", "attacks", __name__))


def prints(event, context):
    sys.stdout.write(event["text"] * event["count"])
    return event["text"]


def deep(event, context):
    value = []
    for _ in range(event["depth"]):
        value = [value]
    return value


def exits(event, context):
    raise SystemExit(event["text"])


def raises(event, context):
    raise type(event["text"][:200], (BaseException,), {})(event["text"])
