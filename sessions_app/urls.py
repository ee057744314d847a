"""Paths of the public pages."""

from django.urls import path

from sessions_app import event_pages, glossary_pages, preferences, views
from sessions_app.exports.views import download_exported, exported
from sessions_app.metrics_view import metrics
from sessions_app.summary.views import audience_table, summary, summary_csv

event = "office/events/<int:pk>"
session = "office/sessions/<int:pk>"

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
    path("office/time-zone/", preferences.time_zone, name="time-zone"),
    path(
        "office/first-steps/dismiss/", preferences.dismiss_first_steps, name="dismiss-first-steps"
    ),
    path(f"{session}/summary/", summary, name="summary"),
    path(f"{session}/summary.csv", summary_csv, name="summary-csv"),
    path(f"{session}/audience.csv", audience_table, name="audience-csv"),
    path(f"{event}/poster/", event_pages.poster, name="event-poster"),
    path(f"{event}/calendar.ics", event_pages.calendar, name="event-calendar"),
    path(f"{event}/copy/", event_pages.copy, name="event-copy"),
    path(f"{event}/reopen/", event_pages.reopen, name="event-reopen"),
    path(f"{event}/glossary/", glossary_pages.glossary, name="event-glossary"),
    path(f"{event}/glossary/import/", glossary_pages.glossary_import, name="glossary-import"),
    path(f"{event}/glossary.csv", glossary_pages.glossary_export, name="glossary-export"),
]
