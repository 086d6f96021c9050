"""Functions of users in Python, as `handlers.mjs` has them in JavaScript. Each function is the handler of one test."""

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time

initialized = 0
write = print


def initializer(context):
    global initialized
    time.sleep(0.001)
    initialized += 1
    write("initialized", context.getFunctionName())


def failingInitializer(context):
    write("about to fail")
    raise TypeError("no database")


def hangingInitializer(context):
    threading.Event().wait()


def leavingInitializer(context):
    def leave_when_ready():
        output, contexts = context._write.__self__, sys.modules["sequent_context"]
        while output._is_open and contexts.running is None:
            time.sleep(0.001)
        os._exit(1)

    threading.Thread(target=leave_when_ready).start()


def countInitializations(event, context):
    return initialized


def echo(event, context):
    return event


def pid(event, context):
    return os.getpid()


def returnText(event, context):
    return "hello world!"


def returnNull(event, context):
    return None


def returnPlainly(event, context):
    return {"plain": event["id"]}


async def awaitIt(event, context):
    await asyncio.sleep(0.001)
    return {"awaited": event["id"]}


def returnLarge(event, context):
    return "x" * event["length"]


def returnRepeated(event, context):
    return event["text"] * event["count"]


def returnCycle(event, context):
    value = {}
    value["self"] = value
    return value


def returnSet(event, context):
    return {1, 2}


def returnNotANumber(event, context):
    return {"value": float("nan")}


def returnFunction(event, context):
    return echo


class Hostile(Exception):
    def __str__(self):
        raise ValueError("no")

    def __getattribute__(self, name):
        raise ValueError("no")


thrown = {
    "error": TypeError("bad order"),
    "text": ValueError("just text"),
    "hostile": Hostile(),
    "interrupt": KeyboardInterrupt("stop"),
}


def throwIt(event, context):
    raise thrown[event["what"]]


class Retryable(Exception):
    pass


def throwWith(event, context):
    error = Retryable("not now")
    for name, value in event.items():
        setattr(error, name, value)
    raise error


def throwDeep(event, context):
    return throwDeep(event, context)


def readContext(event, context):
    return {
        "requestId": context.getRequestID(),
        "remaining": context.getRemainingTimeInMilliSeconds(),
        "credentials": [
            context.getAccessKey(),
            context.getSecretKey(),
            context.getSecurityAccessKey(),
            context.getSecuritySecretKey(),
            context.getSecurityToken(),
            context.getToken(),
        ],
        "userData": [context.getUserData("colour"), context.getUserData("toString", "none")],
        "functionName": context.getFunctionName(),
        "runningTime": context.getRunningTimeInSeconds(),
        "version": context.getVersion(),
        "memory": context.getMemorySize(),
        "cpu": context.getCPUNumber(),
        "package": context.getPackage(),
        "project": context.getProjectID(),
        "alias": context.getAlias(),
        "attempt": context.attempt,
        "traceparent": context.traceparent,
        "isAborted": context.aborted.is_set(),
    }


def log(event, context):
    logger = context.getLogger()
    logger.info("one %s", json.dumps({"two": 2}, separators=(",", ":")))
    logger.error("three")


def logByModule(event, context):
    logging.getLogger("orders").warning("stock is %s", "low")
    logging.getLogger("orders").info("not shown by default")


def sleep(event, context):
    time.sleep(event.get("inMs", 0) / 1_000)
    return os.getpid()


def spin(event, context):
    write("before the loop")
    until = time.time() + event.get("inMs", 60_000) / 1_000
    while time.time() < until:
        pass
    return "spun"


def mixed(event, context):
    """Fast by default. `spinInMs` occupies the processor; `sleepInMs` and `untilFile` do not. Appends each start to `file`."""
    if "file" in event:
        with open(event["file"], "a") as file:
            file.write("%s\n" % event["id"])
    if "spinInMs" in event:
        spin({"inMs": event["spinInMs"]}, context)
    if "sleepInMs" in event:
        time.sleep(event["sleepInMs"] / 1_000)
    while "untilFile" in event and not os.path.exists(event["untilFile"]):
        time.sleep(0.005)
    if event.get("exit") is True:
        sys.exit(3)
    return event.get("id")


def never(event, context):
    threading.Event().wait()


def untilAborted(event, context):
    with open(event["file"], "a") as file:
        file.write("%s\n" % event["id"])
    context.aborted.wait()
    return "noticed"


def exit(event, context):
    write("leaving")
    sys.exit(event["code"])


def crash(event, context):
    os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(60)


def fillHeap(event, context):
    kept = []
    # The host of a paused process checks no memory, and the machine has to survive the test.
    while len(kept) < 4_000_000:
        kept.append(["%d" % len(kept)] * 8)
    time.sleep(600)


def fillBuffers(event, context):
    kept = []
    while len(kept) < 50:
        kept.append(b"\1" * (8 * 1_024 * 1_024))
        time.sleep(0.002)
    time.sleep(600)


def print(event, context):
    write(event["text"])
    return event["text"]


def printMegabytes(event, context):
    line = "ß" * 511 + "\n"
    for _ in range(20_000):
        sys.stdout.write(line)
    sys.stderr.write("the end")
    return "printed"


def printWithoutRuntime(event, context):
    chunk = b"y" * 65_536
    for _ in range(320):
        os.write(1, chunk)
    return "written"


def printLater(event, context):
    """Returns at once. Prints when the first file exists, and then creates the second one."""

    def print_after(awaited, created):
        while not os.path.exists(awaited):
            time.sleep(0.001)
        write("too late")
        open(created, "w").close()

    if "files" in event:
        threading.Thread(target=print_after, args=event["files"]).start()
    return event["id"]


def printRepeated(event, context):
    sys.stdout.write(event["text"] * event["count"])
    return "printed"


def printByFork(event, context):
    child = os.fork()
    if child == 0:
        write("from a fork", flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    return "forked"


def environment(event, context):
    return {"env": dict(os.environ), "cwd": os.getcwd(), "args": sys.argv[1:]}


def fork(event, context):
    kept = None if event.get("inherit") else subprocess.DEVNULL
    child = subprocess.Popen(["sleep", "600"], stdin=subprocess.DEVNULL, stdout=kept, stderr=kept)
    with open(event["file"], "w") as file:
        file.write(json.dumps([os.getpid(), child.pid]))
    if event.get("thenSpin"):
        spin({}, context)
    return "forked"


def leaveTimer(event, context):
    threading.Timer(0.05, lambda: os._exit(9)).start()
    return os.getpid()


def floodDescriptor(event, context):
    """Writes a text to a file descriptor without the runtime, until as many megabytes are written."""
    text = event["text"]
    chunk = (text * -(-1_048_576 // len(text))).encode()
    os.write(event["fd"], event.get("first", "").encode())
    for _ in range(event["megabytes"]):
        sent = 0
        while sent < len(chunk):
            sent += os.write(event["fd"], chunk[sent:])
    return "written"


def forge(event, context):
    os.write(4, b"not a frame\n")
    time.sleep(10)


def measure(event, context):
    return sys.version_info[:2]
