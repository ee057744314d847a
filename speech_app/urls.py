"""Paths of the speakers' pages and of what needs a backend."""

from django.urls import path

from speech_app import views
from speech_app.voice_preview import voice_preview

urlpatterns = [
    path("voice-preview/", voice_preview, name="voice-preview"),
    path("speaker/", views.speaker_home, name="speaker-home"),
    path("speaker/<str:token>/", views.speaker, name="speaker"),
]
