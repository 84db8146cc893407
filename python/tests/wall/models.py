"""What is on the wall."""

from django.db import models


class Post(models.Model):
    """Something that somebody wrote."""

    author = models.CharField(max_length=40, db_index=True)
    text = models.TextField()
    likes = models.IntegerField(default=0)


class Page(models.Model):
    """What the materializer makes of one author's posts."""

    author = models.CharField(max_length=40, unique=True)
    posts = models.IntegerField()
