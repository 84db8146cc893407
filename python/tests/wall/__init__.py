"""A Django project like the one this package was first made for: posts on a wall, a long materializer, a simulator."""
