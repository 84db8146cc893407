DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ["DB_HOST"],
        "USER": os.environ["DB_USER"],
        "CONN_MAX_AGE": int(os.environ["CONN_MAX_AGE"]),
        "MAX_CONNS": int(os.environ["DB_MAX_CONNS"]),
        "OPTIONS": {
            "application_name": "wall-django",
        },
    }
}
