"""The context that FunctionGraph documents for Python handlers, with Sequent's plain attributes, and the lines of logs."""

import sys
from threading import Event
from time import gmtime, perf_counter, strftime, time

running = None
"""The context of the execution in progress, or of the last one."""


class Facts:
    """What all contexts of a process share."""

    def __init__(self, spec):
        definition = spec["definition"]
        self.name = definition["name"].split(":", 1)[-1]
        self.timeout_in_ms = definition["timeoutInMs"]
        self.memory_in_mb = definition["memoryInMb"]
        self.user_data = definition["userData"]
        self.function_urn = spec["functionUrn"]
        self.max_result_bytes = spec["maxResultBytes"]


class Context:
    """`aborted` is a `threading.Event` that is set when the invocation is cancelled."""

    def __init__(self, facts, write, frame=None):
        self._facts = facts
        self._write = write
        self._started_at = perf_counter()
        self._aborted = None
        self._is_aborted = False
        if frame is None:
            self.request_id, self.attempt, self.qualifier, self._urn = "", 0, "latest", facts.function_urn
            self.traceparent, self.request_ids = None, None
        else:
            self.request_id, self.attempt, self.qualifier, self._urn, self.traceparent = frame[3:8]
            self.request_ids = frame[9] if len(frame) > 9 else None
        self.function_name = facts.name

    @property
    def aborted(self):
        if self._aborted is None:
            self._aborted = Event()
            if self._is_aborted:
                self._aborted.set()
        return self._aborted

    def abort(self):
        self._is_aborted = True
        if self._aborted is not None:
            self._aborted.set()

    def getRequestID(self):
        return self.request_id

    def getRemainingTimeInMilliSeconds(self):
        return max(0, int(self._facts.timeout_in_ms - (perf_counter() - self._started_at) * 1_000))

    def getRunningTimeInSeconds(self):
        """The timeout of the function, as in FunctionGraph."""
        seconds = self._facts.timeout_in_ms / 1_000
        return int(seconds) if seconds == int(seconds) else seconds

    def getUserData(self, key, default=None):
        return self._facts.user_data.get(key, default)

    def getFunctionName(self):
        return self._facts.name

    def getVersion(self):
        version = self._part(7, "latest")
        return "latest" if version.startswith("!") else version

    def getAlias(self):
        return self.qualifier[1:] if self.qualifier.startswith("!") else ""

    def getProjectID(self):
        return self._part(3, "")

    def getPackage(self):
        return self._part(5, "default")

    def getMemorySize(self):
        return self._facts.memory_in_mb

    def getCPUNumber(self):
        """In millicores, by FunctionGraph's formula."""
        return int(self._facts.memory_in_mb / 128 * 100 + 200)

    def getLogger(self):
        return Logger(self)

    def _part(self, index, absent):
        parts = self._urn.split(":")
        return parts[index] if len(parts) > index else absent

    # A function has no agency and therefore no credentials: these methods return empty texts.
    def getAccessKey(self):
        return ""

    getSecretKey = getSecurityAccessKey = getSecuritySecretKey = getSecurityToken = getToken = getAccessKey


def log_line(request_id, level, text):
    now = time()
    return "%s.%03dZ %s [%s] %s\n" % (strftime("%Y-%m-%dT%H:%M:%S", gmtime(now)), int(now % 1 * 1_000), request_id, level, text)


class Logger:
    """Lines of time, request id, level and text. The text may have places for arguments, as in the module `logging`."""

    def __init__(self, context):
        self._context = context

    def _log(self, level, message, args):
        try:
            text = str(message) % args if args else str(message)
        except (TypeError, ValueError):
            text = " ".join(str(part) for part in (message,) + args)
        self._context._write(log_line(self._context.request_id, level, text))

    def debug(self, message, *args):
        self._log("debug", message, args)

    def info(self, message, *args):
        self._log("info", message, args)

    def warn(self, message, *args):
        self._log("warn", message, args)

    warning = warn

    def error(self, message, *args):
        self._log("error", message, args)

    critical = exception = error


is_logging_captured = False


def capture_logging():
    """Gives the lines of the module `logging` time, request id and level, unless the function configures handlers. Does nothing until a module imported it."""
    global is_logging_captured
    logging = None if is_logging_captured else sys.modules.get("logging")
    if logging is None or not hasattr(logging, "lastResort"):
        return
    is_logging_captured = True

    class Lines(logging.Handler):
        def emit(self, record):
            level = "warn" if record.levelname == "WARNING" else record.levelname.lower()
            sys.stdout.write(log_line("" if running is None else running.request_id, level, self.format(record)))

    logging.lastResort = Lines()
