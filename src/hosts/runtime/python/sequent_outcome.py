"""Loads the code of a function, calls it, and describes what it returned or raised."""

import json
import os
import sys

INITIALIZING = "function initialization exception: "
THREW = "function invocation exception, error: "
MAX_MESSAGE = 4_096
MAX_TYPE = 128
MAX_STACK_LINES = 32
MAX_STACK_LINE = 512
MAX_RETRY_AFTER_IN_MS = 2_592_000_000

to_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
from_json = json.JSONDecoder().decode


class Missing(Exception):
    """The file or the function of the handler does not exist."""


class NotSerializable(Exception):
    """The returned value is no JSON."""


class Functions:
    def __init__(self, spec):
        self._file = spec["file"]
        self._name = spec.get("export") or "handler"
        self._initializer = spec.get("initializer")
        self._folders = [os.path.dirname(self._file), spec.get("codeFolder")]
        self._handler = None
        self._loop = None

    def load(self, on_loaded, create_context):
        if not os.path.isfile(self._file):
            raise Missing("function entry file %s does not exist" % self._file)
        for folder in self._folders:
            if folder is not None and folder not in sys.path:
                sys.path.insert(0, folder)
        module = load_module(self._file)
        self._handler = getattr(module, self._name, None)
        if not callable(self._handler):
            raise Missing('function entry "%s" is not a function of %s' % (self._name, self._file))
        on_loaded()
        if self._initializer is not None:
            initializer = getattr(module, self._initializer, None)
            if not callable(initializer):
                raise TypeError("the initializer is not a function of the module")
            self._finish(initializer(create_context()))

    def run(self, payload, context):
        event = from_json(payload) if payload else {}
        return render(self._finish(self._handler(event, context)))

    def _finish(self, value):
        """The value of an `async` function is awaited, in one loop for the life of the process."""
        if not hasattr(value, "__await__"):
            return value
        import asyncio

        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)

        async def finish():
            return await value

        return self._loop.run_until_complete(finish())


def load_module(file):
    from importlib.util import module_from_spec, spec_from_file_location

    name = os.path.splitext(os.path.basename(file))[0]
    spec = spec_from_file_location(name, file)
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def render(value):
    """A text is the payload itself, and everything else becomes JSON."""
    if isinstance(value, str):
        return value
    try:
        return to_json(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise NotSerializable("the returned value cannot be written as JSON: %s" % error) from None


def describe(error, prefix, code):
    """The failure for a raised value. Never raises, also when reading the value does: `type` asks no code of the function."""
    failure = {
        "kind": "function",
        "code": code,
        "errorType": type(error).__name__[:MAX_TYPE],
        "message": (prefix + text_of(error))[:MAX_MESSAGE],
        "stackTrace": frames_of(error),
    }
    if type(error) is Missing:
        failure.update(code=4001, errorType="FunctionEntryMissing", message=text_of(error)[:MAX_MESSAGE], stackTrace=[])
    if type(error) is NotSerializable:
        failure.update(errorType="ResultNotSerializable", stackTrace=[])
    failure.update(hints_of(error))
    return failure


def text_of(error):
    try:
        return str(error)
    except BaseException:  # noqa: B902
        return "a value that cannot be read"


def frames_of(error):
    """The frames of the function, the place of the error last, as Python prints them. Those of the runtime and of the import system are left out."""
    lines = []
    place = BaseException.__traceback__.__get__(error)
    while place is not None:
        code = place.tb_frame.f_code
        if not is_foreign(code.co_filename):
            lines.append('File "%s", line %s, in %s' % (code.co_filename, place.tb_lineno, code.co_name))
        place = place.tb_next
    if issubclass(type(error), SyntaxError) and error.filename:
        lines.append('File "%s", line %s' % (error.filename, error.lineno))
    return [line[:MAX_STACK_LINE] for line in lines[-MAX_STACK_LINES:]]


RUNTIME = os.path.join(os.path.dirname(os.path.abspath(__file__)), "")


def is_foreign(file):
    return file.startswith(("<frozen importlib", RUNTIME)) or file.endswith(("/asyncio/base_events.py", "/asyncio/runners.py"))


def hints_of(error):
    """`retryable = False` for no further attempt; `retry_after`, or `retryAfter`, in seconds for when."""
    try:
        if getattr(error, "retryable", None) is False:
            return {"retryable": False}
        after = getattr(error, "retry_after", getattr(error, "retryAfter", None))
        seconds = float(after) if isinstance(after, (int, float, str)) and not isinstance(after, bool) else after.total_seconds()
        in_ms = round(seconds * 1_000)
    except BaseException:  # noqa: B902
        return {}
    return {"retryAfterInMs": min(max(in_ms, 0), MAX_RETRY_AFTER_IN_MS)}


def listen_for_debugger(port, output):
    try:
        import debugpy

        debugpy.listen(("127.0.0.1", port))
    except ImportError:
        output.print("no debugger: the package debugpy is not installed for %s\n" % sys.executable)
    except RuntimeError as error:
        output.print("no debugger: %s\n" % error)
