"""Every page's path; see each app's urls."""

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

admin.site.site_header = "AvatarTranslate"
admin.site.site_title = "AvatarTranslate"
admin.site.index_title = "Back office"

urlpatterns = [
    path("admin/", admin.site.urls),
    # Browsers ask for it on pages that name no icon, such as those of the back office.
    path("favicon.ico", RedirectView.as_view(url=static("icon.svg"))),
    path("", include("speech_app.urls")),
    path("", include("sessions_app.urls")),
]
