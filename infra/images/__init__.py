"""The containers' images: one recipe, named by what goes into them."""
