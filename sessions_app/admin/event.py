from django.contrib import admin

from sessions_app.models import Event

admin.site.register(Event)
