"""A dependency of `obs_event.py`, which is uploaded by itself."""

from urllib.parse import unquote_plus


class Record:
    def __init__(self, record):
        self._record = record

    def get_event_name(self):
        return self._record["eventName"]

    def get_bucket(self):
        return self._record["obs"]["bucket"]["name"]

    def get_key(self):
        return unquote_plus(self._record["obs"]["object"]["key"])


class BucketEvent:
    def __init__(self, event):
        self._records = [Record(record) for record in event["Records"]]

    def get_records(self):
        return self._records
