"""Reports are tested on run directories that are made here, with known answers."""
