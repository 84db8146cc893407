"""`path("", include("connwarden.django.urls"))` puts the answer to probes at `connwarden/health/`."""

from __future__ import annotations

from django.urls import path

from .views import health

app_name = "connwarden"
urlpatterns = [path("connwarden/health/", health, name="health")]
