"""A batch source over HTTP: each GET /data answers the group's next batch."""
