# -*- coding:utf-8 -*-
"""The form of FunctionGraph's sample for events of OBS: a dependency reads the records."""

from bucket_event import BucketEvent


def handler (event, context):
    logger = context.getLogger()
    logger.info("Function Name: %s", context.getFunctionName())
    records = BucketEvent(event).get_records()
    logger.info("OBS Event: %s", records[0].get_event_name())
    return {"objects": ["%s/%s" % (record.get_bucket(), record.get_key()) for record in records]}
