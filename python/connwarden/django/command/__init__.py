"""What `manage.py db_connections` does: its options, and one module for each kind of action."""
