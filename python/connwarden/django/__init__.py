"""For Django: `INSTALLED_APPS += ["connwarden.django"]`.

    from connwarden.django import check_connection_health, connection_monitor
"""

from .health import check_connection_health
from .monitor import connection_monitor

__all__ = ["check_connection_health", "connection_monitor"]
