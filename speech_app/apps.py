from django.apps import AppConfig


class SpeechConfig(AppConfig):
    name = "speech_app"
    verbose_name = "Speech"
