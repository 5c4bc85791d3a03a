"""``python -m experiments.workloads``: the load generator as a program of its own; ``experiments.load`` starts it."""

from experiments.workloads.generator import main

main()
