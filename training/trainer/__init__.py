"""The trainer: prepared examples go in, fine-tuned weights come out. Pure, and a process of its own.

``python -m training.trainer RUN_FOLDER`` reads ``job.json`` there and appends what happens to
``progress.jsonl``; see :mod:`training.trainer.job` and :mod:`training.trainer.progress`.
"""
