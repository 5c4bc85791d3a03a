"""What the product is measured against; started as commands of their own and imported by nobody."""
