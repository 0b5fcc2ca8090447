"""Tuning the search: the small encoder that finds what is near learns which questions mean the same.

Pure: texts and numbers in, one file out that the embedder of :mod:`chat.knowledge` reads.
"""
