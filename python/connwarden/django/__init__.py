"""For Django: `INSTALLED_APPS += ["connwarden.django"]`.

from connwarden.django import check_connection_health, config, connection_monitor
"""

from .environment import chosen_preset, config
from .health import check_connection_health
from .monitor import connection_monitor

__all__ = ["check_connection_health", "chosen_preset", "config", "connection_monitor"]
