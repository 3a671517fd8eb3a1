"""Everything the Data API refuses, each with the HTTP status it is answered with.

DataApiError
├── EndOfData         400  the group's last batch has been answered
├── UnknownGroup      400  no such group in the settings
├── NoSuchBatch       404  the stream never has a batch of that number
├── NotYetAnswered    404  the batch exists; GET /data without batch_number answers it first
├── CursorBroken      500  the cursor file cannot be read, believed or written
└── SourceUnusable    500  a stream's own data is missing or not what it should be; stops the start
"""


class DataApiError(Exception):
    status_code = 500


class EndOfData(DataApiError):
    """Clients know the end by this very sentence: it is never reworded."""

    status_code = 400

    def __init__(self) -> None:
        super().__init__("Ya se recolectó toda la información mínima necesaria")


class UnknownGroup(DataApiError):
    status_code = 400


class NoSuchBatch(DataApiError):
    status_code = 404


class NotYetAnswered(DataApiError):
    status_code = 404


class CursorBroken(DataApiError):
    pass


class SourceUnusable(DataApiError):
    pass
