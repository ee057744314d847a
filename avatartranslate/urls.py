"""Every page's path; see each app's urls."""

from django.conf import settings
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path

admin.site.site_header = "AvatarTranslate"
admin.site.site_title = "AvatarTranslate"
admin.site.index_title = "Back office"


def nowhere(request: HttpRequest, **kwargs: str) -> HttpResponse:
    """In place of the admin's detour to a row's own page, which tells secret links to all staff."""
    raise Http404


urlpatterns = [
    # Before the admin site, which answers for everything below its path.
    path("admin/review/", include("speech_app.review.urls")),
    path("admin/control/", include("speech_app.control.urls")),
    path("admin/r/<path:row>", nowhere),
    path("admin/", admin.site.urls),
    path("", include("speech_app.urls")),
    path("", include("sessions_app.urls")),
]
if settings.SSO_SERVER_URL:
    urlpatterns += [path("accounts/", include("allauth.urls"))]
