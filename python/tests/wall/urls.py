"""Where everything is."""

from django.urls import include, path

from . import views

urlpatterns = [
    path("posts/", views.posts),
    path("backend/", views.backend),
    path("health/", views.health),
    path("slow/", views.slow),
    path("", include("connwarden.django.urls")),
]
