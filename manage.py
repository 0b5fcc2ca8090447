#!/usr/bin/env python
"""Django's command line for csbot."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from moderation.actors import Actor, acting

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "csbot.settings")
    try:
        with acting(Actor("system", "", " ".join(["manage.py", *sys.argv[1:2]]))):
            execute_from_command_line(sys.argv)
    except (ImproperlyConfigured, PermissionError) as error:
        # A wrong setting or a folder of somebody else: a sentence says more than a traceback.
        sys.exit(f"csbot: {error}")
