"""The languages, voices and avatars every installation starts with."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from sessions_app.catalogue import load_catalogue


def load(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    load_catalogue(apps)


class Migration(migrations.Migration):
    dependencies = [("sessions_app", "0001_initial")]

    operations = [migrations.RunPython(load, migrations.RunPython.noop)]
