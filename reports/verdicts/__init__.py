"""Judgement: claims are confirmed, refuted or inconclusive; invariants are a gate that passes, fails or is unknown."""
