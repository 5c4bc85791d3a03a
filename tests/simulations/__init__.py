"""Monte Carlo studies of the judgements: what they say when the truth is known; printed, not asserted."""
