"""A request's body, read into rows and checked field by field."""
