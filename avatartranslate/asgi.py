"""The whole application: pages over HTTP, speakers and listeners over web sockets."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path, re_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "avatartranslate.settings")
http = get_asgi_application()

from sessions_app import metrics  # noqa: E402
from sessions_app.consumers import ListenerConsumer  # noqa: E402
from sessions_app.sockets import NoSuchSocket  # noqa: E402
from speech_app.consumers import SpeakerConsumer  # noqa: E402
from speech_app.control.consumers import ControlConsumer  # noqa: E402

# A directory that cannot be written is told of here, not in the middle of a talk.
metrics.begin()

application = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": URLRouter(
            [
                path("ws/listen/<str:join_code>/", ListenerConsumer.as_asgi()),
                path("ws/speak/<str:token>/", SpeakerConsumer.as_asgi()),
                path("ws/control/<int:event>/", ControlConsumer.as_asgi()),
                re_path(r"", NoSuchSocket.as_asgi()),
            ]
        ),
    }
)
