# -*- coding:utf-8 -*-
"""The form of FunctionGraph's first sample in Python: an initializer, and an answer for API Gateway."""

import json


def initializer(context):
    logger = context.getLogger()
    logger.info("initializing %s", context.getFunctionName())


def handler (event, context):
    logger = context.getLogger()
    logger.info("Function name: %s", context.getFunctionName())
    return {
        "statusCode": 200,
        "isBase64Encoded": False,
        "body": json.dumps(event),
        "headers": {"Content-Type": "application/json"},
    }
