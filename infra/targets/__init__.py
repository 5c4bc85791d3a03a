"""How a declared node becomes real."""
