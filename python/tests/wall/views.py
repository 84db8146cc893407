"""The API of the wall."""

from asgiref.sync import sync_to_async
from django.db import connection, transaction
from django.db.models import F
from django.http import HttpRequest, JsonResponse

from connwarden.django import check_connection_health, connection_monitor

from .models import Post


def posts(request: HttpRequest) -> JsonResponse:
    """The posts of an author; a POST adds one."""
    author = request.GET.get("author", "ada")
    if request.method == "POST":
        with connection_monitor("write_post"), transaction.atomic():
            post = Post.objects.create(author=author, text="hello")
            # One row: several, in whatever order they are found, would lock each other out.
            first = Post.objects.filter(author=author).order_by("pk")[:1]
            Post.objects.filter(pk__in=first).update(likes=F("likes") + 1)
        return JsonResponse({"id": post.pk})
    with connection_monitor("read_posts"):
        return JsonResponse({"posts": list(Post.objects.filter(author=author).values("id", "likes")[:20])})


def backend(request: HttpRequest) -> JsonResponse:
    """Which server process answered."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid(), current_setting('application_name')")
        pid, name = cursor.fetchone()
    return JsonResponse({"pid": pid, "application_name": name})


def health(request: HttpRequest) -> JsonResponse:
    """As a team that has written its own view would have it."""
    found = check_connection_health()
    status = 200 if found["healthy"] else 503
    return JsonResponse({"total": found["postgresql_info"]["total_connections"]}, status=status)


async def slow(request: HttpRequest) -> JsonResponse:
    """An asynchronous view that asks the database."""
    async with connection_monitor("slow_view"):
        number = await sync_to_async(Post.objects.count)()
    return JsonResponse({"posts": number})
