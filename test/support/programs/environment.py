# -*- coding:utf-8 -*-
"""The form of FunctionGraph's sample of environment variables: it reads user data, and all that the context tells."""

import os


def handler (event, context):
    region = context.getUserData("region")
    if not context.getUserData("password"):
        raise KeyError("no password")
    print("region: " + region)
    return {
        "region": [region, os.environ["region"], context.getUserData("absent")],
        "function": [context.getFunctionName(), context.getVersion(), context.getPackage(), context.getAlias()],
        "limits": [context.getRunningTimeInSeconds(), context.getMemorySize(), context.getCPUNumber()],
        "hasTime": 0 < context.getRemainingTimeInMilliSeconds() <= 30000,
        "credentials": [context.getSecurityAccessKey(), context.getSecuritySecretKey(), context.getSecurityToken(), context.getToken()],
    }
