"""The function of the benchmark of runtimes. Does nothing, as `noop` of `echo.mjs`."""


def noop(event, context):
    return None
