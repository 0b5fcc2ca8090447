"""How good what will be served is: pure measures over questions whose answers are known.

No Django here: promotion and benchmarks measure with the same functions.
"""
