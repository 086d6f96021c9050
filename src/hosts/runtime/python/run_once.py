"""The program of `sequent run` for Python: one execution of a handler in a terminal. The output of the handler goes to stderr as it is written.

It receives the execution as a message of Node's channel between processes, which is a line of JSON, and sends the outcome in the same way.
"""

import json
import os
import sys
from time import perf_counter

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [FOLDER] + [path for path in sys.path if path not in ("", FOLDER)]
import sequent_context as contexts  # noqa: E402
import sequent_outcome as outcomes  # noqa: E402

sys.path.remove(FOLDER)

CHANNEL = int(os.environ.pop("NODE_CHANNEL_FD"))
os.environ.pop("NODE_CHANNEL_SERIALIZATION_MODE", None)
DEFAULT_DEBUG_PORT = 5_678


def receive():
    line = b""
    while not line.endswith(b"\n"):
        line += os.read(CHANNEL, 65_536) or os._exit(1)
    return json.loads(line.decode("utf-8"))


def send(message):
    line = (json.dumps(message) + "\n").encode("ascii")
    while line:
        line = line[os.write(CHANNEL, line) :]


def write(text):
    sys.stderr.write(text)
    sys.stderr.flush()


def open_debugger():
    flag = next((one for one in sys.argv[1:] if one.startswith("--inspect")), None)
    del sys.argv[1:]
    if flag is None:
        return
    name, _, address = flag.partition("=")
    host, _, port = address.rpartition(":")
    try:
        import debugpy
    except ImportError:
        return write("no debugger: the package debugpy is not installed for %s\n" % sys.executable)
    debugpy.listen((host or "127.0.0.1", int(port or DEFAULT_DEBUG_PORT)))
    write("a debugger can connect to %s:%s\n" % (host or "127.0.0.1", port or DEFAULT_DEBUG_PORT))
    if name == "--inspect-brk":
        debugpy.wait_for_client()


def main():
    os.set_inheritable(CHANNEL, False)
    open_debugger()
    message = receive()
    handler, execution = message["handler"], message["execution"]
    spec = dict(handler, definition=execution["definition"], functionUrn=execution["functionUrn"], maxResultBytes=0)
    facts, functions = contexts.Facts(spec), outcomes.Functions(spec)
    started_at, prefix, code = perf_counter(), outcomes.INITIALIZING, 4201
    try:
        functions.load(lambda: None, lambda: contexts.Context(facts, write))
        send({"type": "started"})
        started_at, prefix, code = perf_counter(), outcomes.THREW, 4002
        known = [execution[key] for key in ("payload", "requestId", "attempt", "qualifier", "functionUrn")]
        context = contexts.Context(facts, write, ["run", 1] + known + [execution.get("traceparent"), None])
        contexts.running = context
        contexts.capture_logging()
        outcome = {"payload": functions.run(execution["payload"], context)}
    except SystemExit:
        raise
    except BaseException as error:  # noqa: B902
        outcome = {"failure": outcomes.describe(error, prefix, code)}
    import resource

    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024
    sys.stdout.flush()
    send({"type": "ended", "outcome": outcome, "durationInMs": (perf_counter() - started_at) * 1_000, "memoryInBytes": memory})
    os._exit(0)


main()
