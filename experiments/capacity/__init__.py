"""Carries out capacity experiments: a closed loop against one implementation after the other, and what it costs them."""
