"""Every page's path; see each app's urls."""

from django.contrib import admin
from django.urls import include, path

admin.site.site_header = "AvatarTranslate"
admin.site.site_title = "AvatarTranslate"
admin.site.index_title = "Back office"

urlpatterns = [
    # Before the admin site, which answers for everything below its path.
    path("admin/review/", include("speech_app.review.urls")),
    path("admin/", admin.site.urls),
    path("", include("speech_app.urls")),
    path("", include("sessions_app.urls")),
]
