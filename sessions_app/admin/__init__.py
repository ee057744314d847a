"""The organisers' back office; one module for each module of models."""

from sessions_app.admin import audience, catalogue, event, people, transcript, video

__all__ = ["audience", "catalogue", "event", "people", "transcript", "video"]
