"""The environment of the tests, made before anything of Django is imported.

Django's settings are read once. A plugin of its own (``-p tests.environment``): the workers of
pytest-xdist inherit the environment of the process that starts them, with which pytest-django would
read the settings before any ``conftest.py``; each worker needs a folder of its own.
"""

import os
import tempfile
from pathlib import Path

from csbot import env

for _setting in env.SETTINGS:
    os.environ.pop(_setting.name, None)
# Set by conftest.py, when all that the settings read is there.
os.environ.pop("DJANGO_SETTINGS_MODULE", None)

# Short, because a socket's path may have about a hundred bytes.
VAR_DIR = Path(tempfile.mkdtemp(prefix="csbot-test-"))
os.environ["CSBOT_VAR_DIR"] = str(VAR_DIR)
os.environ["CSBOT_SECRET_KEY"] = "only-for-tests-" + "x" * 40
os.environ["CHAT_ENGINE"] = "echo"
# Tests of pages log people in with a word. What an authenticator app guards is tested in
# tests/csbot/accounts and tests/matrix, where it is required.
os.environ["CSBOT_SECOND_FACTOR"] = "optional"
# A second reading is drawn by lot: tests of it say so.
os.environ["TRAINING_SECOND_READINGS"] = "0"
# Asynchronous tests arrange their rows with plain queries.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
