from django.apps import AppConfig


class SpeechConfig(AppConfig):
    name = "speech_app"
    verbose_name = "Speech"

    def ready(self) -> None:
        # No module of ours before it is ready.
        from sessions_app.availability import Availability  # noqa: PLC0415
        from sessions_app.tidying import Finishers  # noqa: PLC0415
        from sessions_app.video import Videos  # noqa: PLC0415
        from speech_app import checks  # noqa: F401, PLC0415 - registers itself
        from speech_app.availability import available_here  # noqa: PLC0415
        from speech_app.backends.azure import checks as azure_checks  # noqa: F401, PLC0415 - too
        from speech_app.finishing import look_for_missing  # noqa: PLC0415
        from speech_app.video import Desk  # noqa: PLC0415

        Availability.provide(available_here)
        Videos.provide(Desk.here)
        Finishers.provide(look_for_missing)
