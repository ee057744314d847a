"""Paths of the speakers' pages and of what needs a backend."""

from django.urls import path

from speech_app import glossary_trial, preflight_views, views
from speech_app.voice_preview import voice_preview

event = "office/events/<int:pk>"

urlpatterns = [
    path("voice-preview/", voice_preview, name="voice-preview"),
    path("speaker/", views.speaker_home, name="speaker-home"),
    path("speaker/<str:token>/", views.speaker, name="speaker"),
    path("office/speech-service/", preflight_views.speech_service, name="speech-service"),
    path(f"{event}/preflight/", preflight_views.preflight, name="event-preflight"),
    path(
        f"{event}/preflight/check/", preflight_views.preflight_check, name="event-preflight-check"
    ),
    path(f"{event}/glossary/try/", glossary_trial.glossary_trial, name="glossary-trial"),
    path(
        f"{event}/glossary/try/translate/",
        glossary_trial.glossary_trial_translate,
        name="glossary-trial-translate",
    ),
    path(
        f"{event}/glossary/try/say/", glossary_trial.glossary_trial_say, name="glossary-trial-say"
    ),
]
