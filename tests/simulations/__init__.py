"""Simulations of the judging path on data with known answers: how often it is right, and what it can find.

One module a simulation: its docstring says what is simulated, and ``simulate(experiments)`` gives the table. Modules with such a function
are found by themselves. Seeds are fixed, so a table is the same every time.
"""
