"""Conversations that wait already: since they were last changed, as far as is known."""

from django.db import migrations
from django.db.models import F


def set_waiting_since(apps, schema_editor):
    conversations = apps.get_model("chat", "Conversation").objects
    waiting = conversations.filter(status="waiting", waiting_since=None)
    waiting.update(waiting_since=F("updated_at"), handoff_reason="asked")


class Migration(migrations.Migration):
    dependencies = [("chat", "0005_inbox")]

    operations = [migrations.RunPython(set_waiting_since, migrations.RunPython.noop)]
