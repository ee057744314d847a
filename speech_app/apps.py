from django.apps import AppConfig


class SpeechConfig(AppConfig):
    name = "speech_app"
    verbose_name = "Speech"

    def ready(self) -> None:
        from sessions_app.video import Videos  # noqa: PLC0415 - no module of ours before it is ready
        from speech_app.backends.azure import checks  # noqa: F401, PLC0415 - registers itself
        from speech_app.video import Desk  # noqa: PLC0415

        Videos.provide(Desk.here)
