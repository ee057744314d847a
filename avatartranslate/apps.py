from django.apps import AppConfig


class ProjectConfig(AppConfig):
    name = "avatartranslate"
    verbose_name = "AvatarTranslate"

    def ready(self) -> None:
        from avatartranslate import checks  # noqa: F401, PLC0415 - registers itself
