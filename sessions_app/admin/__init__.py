"""The organisers' back office; one module for each module of models."""

from sessions_app.admin import event  # noqa: F401
