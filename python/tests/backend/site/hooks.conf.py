from connwarden.django.lifecycle import post_fork, pre_fork, worker_exit  # noqa: F401
