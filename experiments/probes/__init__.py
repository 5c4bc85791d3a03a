"""What is watched while load runs: time series of the nodes, on the same clock as the load."""
