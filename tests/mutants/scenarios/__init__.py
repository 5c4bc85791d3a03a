"""The days that bugs are looked for in: short, hard, and the same for the product without any bug."""
