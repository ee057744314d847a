from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

OLD, NEW = "en-gb", "en-gb-x-rp"


def rename(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """espeak-ng has no voice of the old name: whoever chose it heard nothing."""
    voices = apps.get_model("sessions_app", "Voice")._default_manager.filter(backend="embedded")
    for code in (OLD, f"{OLD}+m3", f"{OLD}+f3", f"{OLD}+f1"):
        old = voices.filter(code=code)
        new = code.replace(OLD, NEW)
        # A new installation has them by their new names already.
        if not voices.filter(code=new).exists():
            old.update(code=new)


class Migration(migrations.Migration):
    dependencies = [("sessions_app", "0005_control_room")]

    operations = [migrations.RunPython(rename, migrations.RunPython.noop)]
