"""Paths of the control room, below `/admin/control/`."""

from django.urls import path

from speech_app.control.views import control

urlpatterns = [path("<int:event>/", control, name="control")]
