from django.apps import AppConfig
from django.db.models.signals import post_migrate


class SessionsConfig(AppConfig):
    name = "sessions_app"
    verbose_name = "Events"

    def ready(self) -> None:
        from sessions_app.roles import keep_groups  # noqa: PLC0415 - needs the models

        post_migrate.connect(keep_groups, sender=self)
