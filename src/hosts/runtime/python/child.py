"""The program in the child process of a Python function: docs/runtime-protocol.md.

It reads lines of JSON from fd 3 and writes lines of JSON to fd 4. It needs the standard library of Python 3.6 or newer alone. The handler runs
in the main thread, one execution after another (RUN1). That thread reads too, while it has nothing to run: a thread that only reads would make
each execution a change of threads. While an execution takes long, a second thread reads, so that an abort and a recall are answered.
"""

import os
import sys
from select import select
from signal import SIGKILL
from threading import Event, Lock, Thread
from time import perf_counter, sleep

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [FOLDER] + [path for path in sys.path if path not in ("", FOLDER)]
import sequent_context as contexts  # noqa: E402
import sequent_frames as frames  # noqa: E402
import sequent_outcome as outcomes  # noqa: E402

# The code of a function finds no module of the runtime by its path.
sys.path.remove(FOLDER)

READ_BYTES = 262_144
LONG_S = 0.01
"""An execution that takes this long is a long one."""
QUIET_TICKS = 20
"""After so many ticks without an execution, the second thread sleeps until there is one."""

reading = Lock()
"""Guards the pipe of the host, `parts`, `queue` and `current`. The main thread holds it while it waits for work."""
parts = []
queue = []
current = None
executions = 0
aborted_early = None
start_spec = None
is_busy = Event()


def read_frames():
    """Reads once. The end of the host is the end of the whole process group."""
    chunk = os.read(3, READ_BYTES)
    if not chunk:
        os.kill(0, SIGKILL)
    lines = chunk.split(b"\n")
    parts.append(lines[0])
    if len(lines) == 1:
        return
    lines[0] = b"".join(parts)
    parts[:] = [lines.pop()]
    for line in lines:
        receive(frames.parse(line))


def read_during_long_executions():
    seen, quiet = -1, 0
    while True:
        if executions != seen or current is None:
            quiet = quiet + 1 if current is None else 0
            seen = executions
            if quiet > QUIET_TICKS:
                is_busy.clear()
                if current is None:
                    is_busy.wait()
            sleep(LONG_S)
        elif select([3], [], [], 0.1)[0] and reading.acquire(blocking=False):
            try:
                # The main thread may have read meanwhile.
                if select([3], [], [], 0)[0]:
                    read_frames()
            finally:
                reading.release()


def receive(frame):
    global start_spec
    if frame[0] == "run":
        queue.append(frame)
    elif frame[0] == "abort":
        abort(frame[1])
    elif frame[0] == "recall":
        first = 0 if is_running() else 1
        returned = queue[first:]
        del queue[first:]
        frames.send(["recalled", [one[1] for one in returned]])
    elif frame[0] == "start":
        start_spec = frame[1]


def is_running():
    """Whether the first execution without a result is `current`. Otherwise it is the first one of the queue, which the host takes for started."""
    return current is not None and not current.has_ended


def abort(wanted):
    """Tells a started execution, and gives back one that has not started. For the host, the first one without a result may have started."""
    global aborted_early
    if is_running() and current.id == wanted:
        return current.context.abort()
    if not is_running() and queue and queue[0][1] == wanted:
        aborted_early = wanted
        return None
    found = [one for one in queue if one[1] == wanted]
    for one in found:
        queue.remove(one)
    return frames.send(["withdrawn", [one[1] for one in found]])


def start(output):
    """Loads the handler and runs its initializer. Ends the process when that fails, after the host knows."""
    with reading:
        while start_spec is None:
            read_frames()
    definition = start_spec["definition"]
    output.keep(definition.get("maxOutputBytes"))
    if "user-data" in sys.argv[1:]:
        os.environ.update(definition["userData"])
    del sys.argv[1:]
    functions = outcomes.Functions(start_spec)
    facts = contexts.Facts(start_spec)
    try:
        functions.load(lambda: frames.send(["loaded"]), lambda: contexts.Context(facts, output.print))
        output.close()
        frames.send(["ready"])
    except SystemExit as left:
        leave(left, output)
    except BaseException as error:  # noqa: B902
        frames.send(["start-failed", outcomes.describe(error, outcomes.INITIALIZING, 4201), output.close()])
    return functions, facts


class Current:
    __slots__ = ("context", "has_ended", "id")

    def __init__(self, execution, context):
        self.id = execution
        self.context = context
        self.has_ended = False

    def end(self):
        """Before its result is sent: the host may read the result, and ask for the executions behind the next one, before `current` changes."""
        with reading:
            self.has_ended = True


def run(functions, facts, output):
    global current, executions
    while True:
        with reading:
            current = None
            while not queue:
                read_frames()
            frame = queue.pop(0)
            context = contexts.Context(facts, output.print, frame)
            current = Current(frame[1], context)
            executions += 1
            if aborted_early == frame[1]:
                context.abort()
        if not is_busy.is_set():
            is_busy.set()
        contexts.running = context
        contexts.capture_logging()
        output.open()
        started_at = perf_counter()
        try:
            value = functions.run(frame[2], context)
        except SystemExit as left:
            leave(left, output)
        except BaseException as error:  # noqa: B902
            failure = outcomes.describe(error, outcomes.THREW, 4002)
            current.end()
            frames.send(["failed", frame[1], failure, output.close()] + memory_of(frame))
        else:
            took_in_ms = (perf_counter() - started_at) * 1_000
            current.end()
            frames.send_value(frame[1], value, facts.max_result_bytes, [output.close(), took_in_ms] + memory_of(frame))


def memory_of(frame):
    """The memory of this process in MB, if the execution measures it. Without `/proc`, the largest memory so far."""
    if not frame[8]:
        return []
    try:
        with open("/proc/self/statm") as statm:
            return [int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 1_048_576]
    except (OSError, ValueError):
        import resource

        return [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024]


def leave(left, output):
    """`sys.exit` in a handler ends the process, as `process.exit` does in Node."""
    code = left.code
    if code is not None and not isinstance(code, int):
        output.print("%s\n" % (code,))
        code = 1
    output.flush()
    frames.send(["exiting", None if current is None else current.id])
    os._exit((code or 0) & 0xFF)


def main():
    output = frames.capture_output()
    Thread(target=read_during_long_executions, daemon=True).start()
    if len(sys.argv) > 2 and sys.argv[1] == "inspect":
        outcomes.listen_for_debugger(int(sys.argv[2]), output)
    functions, facts = start(output)
    run(functions, facts, output)


if __name__ == "__main__":
    main()
