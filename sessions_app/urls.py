"""Paths of the public pages."""

from django.urls import path

from sessions_app import views
from sessions_app.exports.views import download_exported, exported
from sessions_app.metrics_view import metrics

urlpatterns = [
    path("", views.join, name="join"),
    path("listener/<str:join_code>/", views.listener, name="listener"),
    path("listener/<str:join_code>/qr.svg", views.listener_qr, name="listener-qr"),
    path("export/<str:token>/", exported, name="export"),
    path("export/<str:token>/download/", download_exported, name="export-download"),
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("healthz", views.healthz, name="healthz"),
    path("metrics", metrics, name="metrics"),
    path("healthz/live", views.alive, name="alive"),
]
