"""The answer to a probe. Probes share one connection that is held while they come."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from .health import held_health


@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """200 where the server is ok or warns, 503 where it is critical or cannot be looked at.

    Strangers get `status` alone; with DEBUG, and for users of the admin site, the whole of `check_connection_health()`.
    """
    found = held_health()
    user = getattr(request, "user", None)
    trusted = settings.DEBUG or bool(getattr(user, "is_staff", False))
    body = dict(found) if trusted else {"status": found["status"]}
    return JsonResponse(body, status=200 if found["healthy"] else 503)
