"""Links: TCP proxies between two nodes, on which a network can be slow, narrow, silent or gone."""
