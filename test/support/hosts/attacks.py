"""What hostile code tries in Python, as `attacks.mjs` does in JavaScript. Each function returns what it got, or the name of the error."""

import errno
import os
import socket
import subprocess
import sys
import time


def attempt(get):
    try:
        return get()
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))


def content_of(path):
    with open(path, encoding="latin1") as file:
        return file.read()


def change(path):
    with open(path, "w") as file:
        file.write("changed")
    return "written"


def read(event, context):
    return attempt(lambda: content_of(event["path"]))


def list(event, context):
    return attempt(lambda: os.listdir(event["path"]))


def write(event, context):
    return attempt(lambda: change(event["path"]))


def writeOwnCode(event, context):
    return attempt(lambda: change(__file__))


def writeOwnFolder(event, context):
    return attempt(lambda: change(os.environ["TMPDIR"] + "/mine"))


def identity(event, context):
    return {"uid": os.getuid(), "colour": os.environ.get("COLOUR"), "env": sorted(os.environ)}


def connect(event, context):
    def open_socket():
        socket.create_connection(("127.0.0.1", event["port"])).close()
        return "connected"

    return attempt(open_socket)


def sleeper(marker):
    null = subprocess.DEVNULL
    return subprocess.Popen(["sleep", marker], stdin=null, stdout=null, stderr=null, start_new_session=True)


def leaveBehind(event, context):
    sleeper(event["marker"])
    return "left"


def spawnMany(event, context):
    for _ in range(event["count"]):
        attempt(lambda: sleeper(event["marker"]))
    time.sleep(600)


def useMemoryBelow(event, context):
    program = "kept = b'\\1' * (%d << 20); import time; time.sleep(600)" % event["megabytes"]
    subprocess.Popen(["sh", "-c", '"$0" -c "$1"; : ' + event["marker"], sys.executable, program])
    time.sleep(600)


def exit(event, context):
    sys.exit(event["code"])


def program(event, context):
    """Runs a program, and returns what it prints and its exit code."""
    try:
        done = subprocess.run([event["command"]] + event["args"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except OSError as error:
        return {"output": errno.errorcode.get(error.errno)}
    return {"status": done.returncode, "output": done.stdout.decode()}


def fillOwnFolder(event, context):
    """Fills the folder for temporary files, which may be in memory, and holds memory itself."""
    held = b"\1" * (event["held"] << 20)
    for index in range(event["megabytes"]):
        with open("%s/%d" % (os.environ["TMPDIR"], index), "wb") as file:
            file.write(b"\1" * (1 << 20))
    time.sleep(600)
    return len(held)
