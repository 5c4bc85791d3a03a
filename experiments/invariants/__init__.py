"""The rules that must survive every fault, as pure checkers: history in, verdict out."""
