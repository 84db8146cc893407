"""The answer to a probe. Probes share one connection that is held while they come."""

from __future__ import annotations

from django.conf import settings
from django.db import DatabaseError, transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from .health import held_health


@transaction.non_atomic_requests
@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """200 where the server is ok or warns, 503 where it is critical or cannot be looked at.

    Strangers get `status` alone; with DEBUG, and for staff who ask for `?full`, it is the whole of
    `check_connection_health()`.
    """
    found = held_health()
    body = dict(found) if settings.DEBUG or _is_staff(request) else {"status": found["status"]}
    return JsonResponse(body, status=200 if found["healthy"] else 503)


def _is_staff(request: HttpRequest) -> bool:
    """Whose session it is stands in the database, as a rule: a probe must not ask there, and cannot where it is down."""
    if "full" not in request.GET:
        return False
    try:
        return bool(getattr(getattr(request, "user", None), "is_staff", False))
    except DatabaseError:
        return False
