"""Paths of the speakers' pages."""

from django.urls import path

from speech_app import views

urlpatterns = [
    path("speaker/", views.speaker_home, name="speaker-home"),
    path("speaker/<str:token>/", views.speaker, name="speaker"),
]
