"""Every setting once, typed, from the environment; `.env.example` lists them with their defaults."""

import os
from datetime import timedelta
from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(os.environ.get("ENV_FILE") or BASE_DIR / ".env")
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

DEBUG: bool = env.bool("DEBUG", default=False)
SECRET_KEY: str = env.str("SECRET_KEY")
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Where callers find this service; addresses of photos and of pages in answers begin with it.
PUBLIC_URL: str = env.str("PUBLIC_URL", default="")
PUBLIC_URL = PUBLIC_URL.rstrip("/")
# Origins of pages that may call the API from a browser.
CORS_ORIGINS: list[str] = env.list("CORS_ORIGINS", default=[])
# Of django-cors-headers, which asks catalog.access.origins who may: what pages may send and read, and for how many seconds
# browsers need not ask again.
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
CORS_ALLOW_HEADERS = ["Authorization", "X-Api-Key", "Content-Type", "If-None-Match", "If-Match", "X-Request-ID"]
CORS_EXPOSE_HEADERS = ["X-Request-ID", "ETag", "RateLimit", "RateLimit-Policy", "Retry-After"]
CORS_PREFLIGHT_MAX_AGE = 86_400

INSTALLED_APPS = [
    "config.admin_app.ShopAdmin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "treebeard",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
    "corsheaders",
    "simple_history",
    "catalog",
    "recommender",
]
MIDDLEWARE = [
    "config.middleware.request_id",
    "recommender.monitoring.metrics.request_metrics",
    "config.middleware.probes",
    "config.middleware.content_security_policy",
    "config.middleware.cache_headers",
    "corsheaders.middleware.CorsMiddleware",  # pages of other origins read errors of all below, too
    "config.page_input.UnusablePageInput",
    "catalog.access.drf.limits",
    "config.database.away.DatabaseAway",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.page_middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "config.page_middleware.AuthenticationMiddleware",
    "config.page_middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
# Answers from Redis are given before Django is reached, and pass through the middleware above but for these, which are for
# pages and probes, for views and their errors or for other methods, or which name and count requests and tell limits, as is done
# there too.
CACHED_ANSWERS_LEAVE_OUT = {
    "config.middleware.request_id",
    "recommender.monitoring.metrics.request_metrics",
    "config.middleware.probes",
    "config.middleware.content_security_policy",
    "config.page_input.UnusablePageInput",
    "catalog.access.drf.limits",
    "config.database.away.DatabaseAway",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.page_middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "config.page_middleware.AuthenticationMiddleware",
    "config.page_middleware.MessageMiddleware",
    "axes.middleware.AxesMiddleware",
}
ROOT_URLCONF = "config.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "config" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# The web server (config.web). Every busy thread holds one Postgres connection. Slow kinds of requests have threads of their
# own beside these (config.server.table).
WEB_PROCESSES: int = env.int("WEB_PROCESSES", default=CORES)
WEB_THREADS: int = env.int("WEB_THREADS", default=4)
# Seconds until a body must be whole (then 408), and the largest body that a form of the admin may send (else 413).
BODY_SECONDS: float = env.float("BODY_SECONDS", default=10.0)
MAX_BODY_BYTES: int = env.int("MAX_BODY_BYTES", default=128 * 1024 * 1024)
# Where all threads for a kind of request are busy, a caller waits so many seconds, then gets 503.
WAIT_SECONDS: float = env.float("WAIT_SECONDS", default=10.0)

# Postgres: the truth and the queue.
DATABASES = {"default": env.db_url("DATABASE_URL")}
DATABASES["default"]["CONN_MAX_AGE"] = env.int("DATABASE_CONN_MAX_AGE", default=600)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"]["ENGINE"] = "config.database"
# A web process asks, after so many seconds without an answer, whether Postgres lives; if not, the caller gets 503.
DATABASE_DEADLINE_SECONDS: float = env.float("DATABASE_DEADLINE_SECONDS", default=2.5)
# The longest statement in a web process, in seconds; commands, builds and workers have no such bound.
DATABASE_STATEMENT_SECONDS: float = env.float("DATABASE_STATEMENT_SECONDS", default=30.0)
# So a connection to a server that vanished without closing it fails within a minute.
_KEEPALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}
DATABASES["default"]["OPTIONS"] = {"connect_timeout": 5, **_KEEPALIVE, **DATABASES["default"].get("OPTIONS", {})}

# Redis: wakes workers and keeps answers for seconds; may be wiped at any moment. An answer waits for it once, at most
# REDIS_TIMEOUT_SECONDS, which leaves it as long again to come within .3 s.
REDIS_URL: str = env.str("REDIS_URL")
REDIS_TIMEOUT_SECONDS: float = env.float("REDIS_TIMEOUT_SECONDS", default=0.15)

# Who sends tasks imports it by this name, when it first has one to send (recommender.pipeline.doorbell).
CELERY_APPLICATION = "config.celery.app"
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker waits for Redis as long as it takes
CELERY_BROKER_TIMEOUT: float = env.float("CELERY_BROKER_TIMEOUT", default=0.5)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_connect_timeout": CELERY_BROKER_TIMEOUT,
    "socket_timeout": CELERY_BROKER_TIMEOUT,
    # Publishing tries twice and gives up: a web process never waits for a broker that is away.
    "max_retries": 1,
    "interval_start": 0.0,
    "interval_step": 0.1,
    "interval_max": 0.1,
    "connect_retries_timeout": CELERY_BROKER_TIMEOUT,
}
# A worker takes messages of every queue in turn, unless it is told which (--queues). Feeds have a queue of their own, so that
# workers for photos alone, or for feeds alone, can be had.
FEED_QUEUE = "feeds"
CELERY_TASK_QUEUES = {name: {"exchange": name, "routing_key": name} for name in ("celery", FEED_QUEUE)}
CELERY_TASK_ROUTES = {"catalog.tasks.run_feeds": {"queue": FEED_QUEUE}}
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0.0, "interval_step": 0.1, "interval_max": 0.1}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True  # a task whose process died is delivered again: tasks can run twice
CELERY_TASK_REJECT_ON_WORKER_LOST = False  # but not at once: Postgres is the queue, and the sweep finds the photo
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False  # losing Redis does not end a lease
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONCURRENCY: int = env.int("WORKER_PROCESSES", default=CORES)
CELERY_WORKER_POOL = "prefork"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "recommender.beat:BoundedScheduler"

# Photos go through Django storage only; workers may be on other machines.
MEDIA_ROOT: str = env.str("MEDIA_ROOT", default=str(BASE_DIR / "media"))
MEDIA_URL = "/media/"
STATIC_URL = "/static/"
STATIC_ROOT: str = env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles"))
STORAGES = {
    "default": {"BACKEND": "catalog.photos.storage.WholeFileStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
MAX_PHOTO_BYTES: int = env.int("MAX_PHOTO_BYTES", default=20 * 1024 * 1024)
MAX_PHOTO_PIXELS: int = env.int("MAX_PHOTO_PIXELS", default=50_000_000)
# For photos that must be decoded at full size: all but baseline JPEG. 25 million pixels are 100 MB; a decoder stays below 250.
MAX_WHOLE_PHOTO_PIXELS: int = env.int("MAX_WHOLE_PHOTO_PIXELS", default=25_000_000)
# Seconds until a decoder is ended; an ordinary photo of 25 million pixels takes 1 to 2.
PHOTO_SECONDS: float = env.float("PHOTO_SECONDS", default=5.0)
FETCH_TIMEOUT_SECONDS: float = env.float("FETCH_TIMEOUT_SECONDS", default=10.0)
FETCH_MAX_REDIRECTS: int = env.int("FETCH_MAX_REDIRECTS", default=3)
# Ports that a photo's URL may name; on other ports a host may have services that are not for the public.
FETCH_PORTS: list[int] = env.list("FETCH_PORTS", cast=int, default=[80, 443])
# Bytes of a feed, unpacked; beyond, it is refused: what is unpacked and fetched lies on the disk while it is read.
FEED_MAX_BYTES: int = env.int("FEED_MAX_BYTES", default=4 * 1024**3)
# Seconds for fetching a feed by URL, all in all.
FEED_FETCH_SECONDS: float = env.float("FEED_FETCH_SECONDS", default=900.0)
# A feed is read anew by another process when the one that reads it made no progress for so many seconds.
FEED_LEASE_SECONDS: float = env.float("FEED_LEASE_SECONDS", default=900.0)
# The largest share of a feed's products that an import hides because the feed names them no more; beyond, it hides none.
FEED_MISSING_SHARE: float = env.float("FEED_MISSING_SHARE", default=0.3)
# Seconds that a file without a row is kept, because its row may be about to be written.
FILE_GRACE_SECONDS: int = env.int("FILE_GRACE_SECONDS", default=3600)

# The encoder (recommender.encoder.registry lists the names). Lite2 in int8 answers as its own fp32 does and costs what
# Lite0 costs in fp32; `bench pipeline` prints both. Keras itself (ENCODER_RUNTIME=keras) serves fp32 encoders only.
ENCODER: str = env.str("ENCODER", default="efficientnet-lite2-int8")
ENCODER_WEIGHTS: str = env.str("ENCODER_WEIGHTS", default="imagenet")
ENCODER_RUNTIME: str = env.str("ENCODER_RUNTIME", default="litert")
ENCODER_POOLING: str = env.str("ENCODER_POOLING", default="gaussian")

# The pipeline.
LEASE_SIZE: int = env.int("LEASE_SIZE", default=8)
LEASE_SECONDS: int = env.int("LEASE_SECONDS", default=60)
MAX_ATTEMPTS: int = env.int("MAX_ATTEMPTS", default=3)
# Failures that may pass (storage or network away) are tried again after 2, 4, 8 … seconds: 8 attempts last four minutes.
RETRY_ATTEMPTS: int = env.int("RETRY_ATTEMPTS", default=8)
RETRY_SECONDS: float = env.float("RETRY_SECONDS", default=2.0)
SWEEP_SECONDS: float = env.float("SWEEP_SECONDS", default=5.0)
# kB: a pool process that has grown larger (a huge photo) is replaced after its task. Keras itself needs more than that.
CELERY_WORKER_MAX_MEMORY_PER_CHILD: int | None = 250_000 if ENCODER_RUNTIME == "litert" else None

# Answers.
# From so many photos on the product fits a space by itself, and again as the shop grows; every IMPROVE_SECONDS it checks
# whether it is time. A space that a person built or activated is left alone.
SIMILAR_MIN_PHOTOS_FOR_PCA: int = env.int("SIMILAR_MIN_PHOTOS_FOR_PCA", default=1000)
IMPROVE_SECONDS: float = env.float("IMPROVE_SECONDS", default=60.0)
DUPLICATE_THRESHOLD: float = env.float("DUPLICATE_THRESHOLD", default=0.94)
# A picture on more variant groups than this is a placeholder: neither a query nor an answer, unless somebody rules otherwise.
PLACEHOLDER_ABOVE_GROUPS: int = env.int("PLACEHOLDER_ABOVE_GROUPS", default=20)
VECTOR_ENGINE: str = env.str("VECTOR_ENGINE", default="pgvector")  # a name of recommender.index.registry
EXACT_BELOW_ROWS: int = env.int("EXACT_BELOW_ROWS", default=0)
ANSWER_CACHE_SECONDS: int = env.int("ANSWER_CACHE_SECONDS", default=4)
QUERY_PHOTOS_AT_A_TIME: int = env.int("QUERY_PHOTOS_AT_A_TIME", default=5)
# Seconds that the features of a photo that was searched with are kept in Redis (docs/privacy.md); 0: not at all.
QUERY_PHOTO_SECONDS: int = env.int("QUERY_PHOTO_SECONDS", default=3600)

# Measuring the live index, and noticing that the catalogue has changed since a space was fitted.
RECALL_SECONDS: float = env.float("RECALL_SECONDS", default=300.0)
RECALL_WARN_BELOW: float = env.float("RECALL_WARN_BELOW", default=0.95)
# Ten times the share of queries that a sound index of 100,000 photos fails.
RECALL_WARN_WORST_ABOVE: float = env.float("RECALL_WARN_WORST_ABOVE", default=0.005)
# A fitted space has drifted when this share of the photos is newer than its fit, or its categories' shares moved so far.
DRIFT_NEW_SHARE: float = env.float("DRIFT_NEW_SHARE", default=0.3)
DRIFT_SHIFT: float = env.float("DRIFT_SHIFT", default=0.2)
REFIT_AUTOMATICALLY: bool = env.bool("REFIT_AUTOMATICALLY", default=False)

# The language that products are searched in: a text search configuration of PostgreSQL. `migrate` brings a change about.
SEARCH_LANGUAGE: str = env.str("SEARCH_LANGUAGE", default="english")

LANGUAGE_CODE = "en-us"
# That the storefront speaks; their texts lie in catalog/locale.
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
# The dotted path of what its pages search with, a catalog.storefront.port.Search.
STOREFRONT_SEARCH = "recommender.storefront.SEARCH"
TIME_ZONE = "UTC"
USE_TZ = True
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

# Log-ins to the admin (config.login). Where a log-in was not asked for a page of ours, it ends at the admin's first.
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_HANDLER = "config.login.LoginAttempts"
AXES_CLIENT_IP_CALLABLE = "config.login.caller_network"
AXES_LOCKOUT_CALLABLE = "config.login.locked_out"
AXES_USERNAME_FORM_FIELD = "username"
# So many failures under one name from one address, and further log-ins of that pair are refused for a while; nobody can lock
# an administrator out from elsewhere.
AXES_FAILURE_LIMIT: int = env.int("LOGIN_FAILURES", default=5)
AXES_COOLOFF_TIME = timedelta(seconds=env.float("LOGIN_LOCK_SECONDS", default=900.0))
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # a refused attempt is not counted, and makes no row longer
AXES_DISABLE_ACCESS_LOG = True  # log-ins that succeed are no table of ours
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

# HTTPS is the default of a production install; the local demo turns it off.
HTTPS: bool = env.bool("HTTPS", default=not DEBUG)
SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
# Browsers ask for HTTPS so long after their last visit, and cannot be told otherwise: a day, until somebody wants more. Other
# hosts below this one's name and the browsers' own lists are concerned only when that is asked for.
SECURE_HSTS_SECONDS: int = env.int("HSTS_SECONDS", default=86_400) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS: bool = env.bool("HSTS_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD: bool = env.bool("HSTS_PRELOAD", default=False)
# Django's advice to ask for both, always.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

# `open`: whoever asks the API is answered, and keys are for who wants to write or has a rate of their own; `keys`: every request
# needs a key, for which docs/deployment.md has a plan.
API_ACCESS: str = env.str("API_ACCESS", default="open")
# Tokens that come back a second, and tokens at once, for each address and for each key; a rate of 0 counts nothing.
API_ADDRESS_RATE: float = env.float("API_ADDRESS_RATE", default=0.0)
API_ADDRESS_BURST: int = env.int("API_ADDRESS_BURST", default=60)
API_KEY_RATE: float = env.float("API_KEY_RATE", default=0.0)
API_KEY_BURST: int = env.int("API_KEY_BURST", default=200)
# Networks of proxies whose X-Forwarded-For is believed; without any, the connection's other end is the caller.
TRUSTED_PROXIES: list[str] = env.list("TRUSTED_PROXIES", default=[])
# Networks that see /metrics, the details of /readyz and status/ without a key, where API_ACCESS=keys hides them.
OPERATORS: list[str] = env.list("OPERATORS", default=["127.0.0.0/8", "::1/128"])
# By dotted paths: who decides about every request (catalog.access.admission), what each endpoint costs, and who counts the tokens.
API_ADMISSION = "catalog.access.policy.by_key"
API_ENDPOINTS = "recommender.api.endpoints.ENDPOINTS"
API_COUNTER = "recommender.buckets.count"
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["catalog.api.renderers.OrjsonRenderer"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["catalog.access.drf.AdmittedAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["catalog.access.drf.AdmittedPermission"],
    "DEFAULT_THROTTLE_CLASSES": ["catalog.access.drf.AdmittedThrottle"],
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_SCHEMA_CLASS": "catalog.api.openapi.ApiSchema",
    # Of bodies that the schema says nothing else of; views read them by themselves.
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "recommender.api.exceptions.handle_exception",
    # The schema can be asked for by `version`; any other name than this one would be copied into a header.
    "ALLOWED_VERSIONS": ["1.0.0"],
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Lookalike",
    "VERSION": "1.0.0",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SERVE_INCLUDE_SCHEMA": False,
    "DEFAULT_GENERATOR_CLASS": "catalog.api.generator.Generator",
    "SERVE_PERMISSIONS": ["catalog.access.drf.AdmittedPermission"],
    "AUTHENTICATION_WHITELIST": [],  # keys are named for the API as a whole (catalog.api.openapi)
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "catalog.api.openapi.complete"],
    # Generators make no type of an enumeration of null alone.
    "ENUM_ADD_EXPLICIT_BLANK_NULL_CHOICE": False,
    "COMPONENT_SPLIT_PATCH": False,  # what PATCH takes is declared with nothing required
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,  # it would say each choice twice
}

# `json`: the web server writes a line for every answer to standard output. It is off because the lines hold the addresses of
# shoppers, which a shop must have a reason to keep, and because the proxy before the server has a log of its own.
ACCESS_LOG: str = env.str("ACCESS_LOG", default="off")
LOG_LEVEL: str = env.str("LOG_LEVEL", default="INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "config.request_ids.RequestIdFilter"}},
    "formatters": {"line": {"format": "{asctime} {levelname} {name}{request}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request_id"]}},
    "loggers": {
        "django.request": {"level": "ERROR"},  # a 404 or 400 is the caller's mistake, not worth a warning
        "django.security.TooManyFieldsSent": {"level": "CRITICAL"},
        "django.security.TooManyFilesSent": {"level": "CRITICAL"},
        "celery": {"level": LOG_LEVEL},
        "axes": {"level": "ERROR"},  # config.login says the same, with the name and the address
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
}
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
