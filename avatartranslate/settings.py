"""Settings, read from the environment or a `.env` file; every default works on one machine."""

import os
import secrets
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
if (BASE_DIR / ".env").exists():
    env.read_env(BASE_DIR / ".env")

VAR_DIR = env.path("VAR_DIR", default=str(BASE_DIR / "var"))()
"""Where this machine's own data lives: the default database and the generated secret key."""


def _own_secret_key() -> str:
    """The key generated on the first start, so that a newcomer's sessions are not forgeable."""
    path = Path(VAR_DIR) / "secret_key"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text()
    with os.fdopen(descriptor, "w") as file:
        key = secrets.token_urlsafe(50)
        file.write(key)
    return key


SECRET_KEY = env.str("SECRET_KEY", default="")
SECRET_KEY_IS_GENERATED = not SECRET_KEY
if SECRET_KEY_IS_GENERATED:
    SECRET_KEY = _own_secret_key()
DEBUG = env.bool("DEBUG", default=False)
DEFAULT_ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=DEFAULT_ALLOWED_HOSTS)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Where every trusted page comes over TLS, no cookie travels without it.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = bool(CSRF_TRUSTED_ORIGINS) and all(
    origin.startswith("https://") for origin in CSRF_TRUSTED_ORIGINS
)
PUBLIC_URL = env.str("PUBLIC_URL", default="").rstrip("/")
"""Where listeners reach this server; empty: at the address the page itself was opened with."""

INSTALLED_APPS = [
    "avatartranslate",
    "daphne",
    "servestatic.runserver_nostatic",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "sessions_app",
    "speech_app",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "sessions_app.time_zones.time_zone_middleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "avatartranslate.urls"
ASGI_APPLICATION = "avatartranslate.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{VAR_DIR}/db.sqlite3")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Readers go on while one process writes; a writer waits instead of failing half-way through.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        **DATABASES["default"].get("OPTIONS", {}),
    }
if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    # A server that is gone, or that a network swallows, is noticed in 10 s and not in 15 minutes;
    # a process that stands still in mid-transaction keeps its locks from the others for 30 s.
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": 5,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
        "options": "-c lock_timeout=10s -c idle_in_transaction_session_timeout=30s",
        **DATABASES["default"].get("OPTIONS", {}),
    }
# A connection costs more than a query; one that broke is noticed before it is used again.
DATABASES["default"].setdefault("CONN_MAX_AGE", 60)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", default="")
CHANNEL_LAYERS = {
    "default": (
        {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            # Who publishes waits for it: a Redis that does not answer must not hold up the talk.
            "CONFIG": {
                "hosts": [{"address": REDIS_URL, "socket_timeout": 2, "socket_connect_timeout": 2}]
            },
        }
        if REDIS_URL
        # Its queue drops what does not fit; what was final is then read from the database.
        else {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 1000}}
    )
}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "join"

LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = "avatartranslate.formats"
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = env.path("STATIC_ROOT", default=str(BASE_DIR / "staticfiles"))()
STATICFILES_DIRS = [BASE_DIR / "static"]
# Until `collectstatic` has run, files are served from where they are written, and may change.
SERVESTATIC_USE_FINDERS = SERVESTATIC_AUTOREFRESH = not Path(STATIC_ROOT).exists()
SERVESTATIC_MAX_AGE = 0 if SERVESTATIC_AUTOREFRESH else 60

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "media-src": [SELF, "blob:"],
        "connect-src": [SELF],
        "worker-src": [SELF],
        "font-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
SSO_SERVER_URL = env.str("SSO_SERVER_URL", default="")
"""The OpenID Connect provider people sign in with; empty: none, and no package for it."""
if SSO_SERVER_URL:
    if find_spec("allauth") is None:
        raise ImproperlyConfigured(
            "SSO_SERVER_URL is set and django-allauth is missing. "
            "Run .venv/bin/pip install -r requirements/sso.txt, or remove SSO_SERVER_URL."
        )
    INSTALLED_APPS += [
        "allauth",
        "allauth.account",
        "allauth.socialaccount",
        "allauth.socialaccount.providers.openid_connect",
    ]
    MIDDLEWARE += ["allauth.account.middleware.AccountMiddleware"]
    AUTHENTICATION_BACKENDS = [
        "django.contrib.auth.backends.ModelBackend",
        "allauth.account.auth_backends.AuthenticationBackend",
    ]
    # Accounts come from the provider or from an administrator: nobody makes one on their own.
    SOCIALACCOUNT_ONLY = True
    ACCOUNT_EMAIL_VERIFICATION = "none"
    SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {
            "OAUTH_PKCE_ENABLED": True,
            "APPS": [
                {
                    "provider_id": "sso",
                    "name": "Single sign-on",
                    "client_id": env.str("SSO_CLIENT_ID"),
                    "secret": env.str("SSO_CLIENT_SECRET"),
                    "settings": {"server_url": SSO_SERVER_URL},
                }
            ],
        }
    }
    # The button's form ends at the provider.
    CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"] += [
        "{0.scheme}://{0.netloc}".format(urlsplit(SSO_SERVER_URL))
    ]
# The proxy that ends TLS redirects to it and sends HSTS: see deploy/nginx.conf.
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# Audio frames are at most 32 KiB and control messages are short: anything near this is an attack.
DAPHNE_WEBSOCKET_MAX_MESSAGE_SIZE = 256 * 1024
DAPHNE_WEBSOCKET_MAX_FRAME_SIZE = 256 * 1024

SPEECH_BACKEND = env.str("SPEECH_BACKEND", default="embedded")
EMBEDDED_MAX_SPEAKERS = env.int("EMBEDDED_MAX_SPEAKERS", default=os.cpu_count() or 1)
"""Live speakers this host carries at once; measured: about one a core (two on two cores)."""

# Video avatars. Azure's limits and list prices, to be replaced by those of one's own contract.
AZURE_AVATAR_PACE = env.tuple("AZURE_AVATAR_PACE", cast=int, default=(2, 60))
"""New connections, and in how many seconds: Azure lets two begin in a minute."""
AZURE_AVATAR_MAX_OPEN = env.int("AZURE_AVATAR_MAX_OPEN", default=10)
"""Connections at once over all events and server processes; each is paid while it is open."""
PRICE_CURRENCY = env.str("PRICE_CURRENCY", default="EUR")
PRICE_AVATAR_MINUTE = env.float("PRICE_AVATAR_MINUTE", default=0.5)
PRICE_MILLION_CHARACTERS = env.float("PRICE_MILLION_CHARACTERS", default=15.0)
PRICE_AUDIO_HOUR = env.float("PRICE_AUDIO_HOUR", default=2.5)

# Azure Speech, with SPEECH_BACKEND=azure
SPEECH_KEY = env.str("SPEECH_KEY", default="")
SPEECH_REGION = env.str("SPEECH_REGION", default="")
SPEECH_PRIVATE_ENDPOINT = env.str("SPEECH_PRIVATE_ENDPOINT", default="")
"""The resource's own address, such as https://my-resource.cognitiveservices.azure.com."""
ENABLE_TOKEN_AUTH = env.bool("ENABLE_TOKEN_AUTH", default=False)
"""Send short-lived tokens, made from the key, instead of the key itself."""
SPEECH_RESOURCE_ID = env.str("SPEECH_RESOURCE_ID", default="")
"""Without a key: the resource to sign in to with Microsoft Entra ID (/subscriptions/…)."""
ICE_SERVER_URL = env.str("ICE_SERVER_URL", default="")
ICE_SERVER_USERNAME = env.str("ICE_SERVER_USERNAME", default="")
ICE_SERVER_PASSWORD = env.str("ICE_SERVER_PASSWORD", default="")
TRANSLATOR_KEY = env.str("TRANSLATOR_KEY", default="")
"""Empty: the Speech resource translates corrected sentences, too (a multi-service resource can)."""
TRANSLATOR_REGION = env.str("TRANSLATOR_REGION", default="")
TRANSLATOR_ENDPOINT = env.str("TRANSLATOR_ENDPOINT", default="")
SPEECH_SEGMENTATION_SILENCE_MS = env.int("SPEECH_SEGMENTATION_SILENCE_MS", default=500)
"""A pause of this length ends a sentence: 100 to 5000."""
SPEECH_PROFANITY = env.str("SPEECH_PROFANITY", default="masked")
"""masked, removed or raw."""
SPEECH_UPLOAD_AHEAD_MS = env.int("SPEECH_UPLOAD_AHEAD_MS", default=60_000)
"""So much of what a speaker who was cut off brings along is sent faster than it was spoken."""

METRICS_DIR = env.path("METRICS_DIR", default=str(Path(VAR_DIR) / "metrics"))()
"""Figures of every server process; the same for all whose sums `/metrics` is to give."""
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
"""Lets its bearer read `/metrics` from anywhere; empty: internal addresses alone."""

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"hide_secrets": {"()": "avatartranslate.logs.HideSpeakerTokens"}},
    "formatters": {
        "plain": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "plain",
            "filters": ["hide_secrets"],
        },
        # A logger without any handler falls back to one of Python's own, which hides nothing.
        "nowhere": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "django.server": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "django.channels.server": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "daphne": {"level": "WARNING"},
        # It tells of every request to a service.
        "httpx": {"level": "WARNING"},
        # Uvicorn brings handlers of its own, which would show speakers' secret links.
        "uvicorn": {"handlers": ["console"], "propagate": False},
        "uvicorn.access": {"handlers": ["console"], "propagate": False},
        # Anyone can send a foreign Host header; it is answered with 400 and needs no traceback.
        "django.security.DisallowedHost": {"handlers": ["nowhere"], "propagate": False},
    },
}
