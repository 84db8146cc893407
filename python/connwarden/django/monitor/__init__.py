"""What an operation does with connections: `connection_monitor`. docs/django-monitor.md says what it sees and
what it does not.
"""

from .monitor import Monitor, connection_monitor
from .record import Record

__all__ = ["Monitor", "Record", "connection_monitor"]
