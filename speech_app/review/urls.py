"""Paths of the review page, below `/admin/review/`."""

from django.urls import path

from speech_app.review import views

urlpatterns = [
    path("<int:session>/", views.page, name="review"),
    path("<int:session>/lines/", views.lines),
    path("<int:session>/news/", views.news),
    path("<int:session>/versions/", views.versions),
    path("<int:session>/matches/", views.matches),
    path("<int:session>/correct/", views.correct),
    path("<int:session>/accept/", views.accept),
    path("<int:session>/undo/", views.undo),
    path("<int:session>/replace/", views.replace),
    path("<int:session>/state/", views.state),
    path("<int:session>/again/", views.again),
    path("<int:session>/voice/", views.voice),
]
