"""Fine-tuning, measured: quality, minutes, speed, manners and what survives a crash.

Shares of questions carry their 95 % interval (Wilson) as ``low`` and ``high`` and the number of
questions as ``repeats``; other figures are of one repeat unless they say otherwise.
"""
