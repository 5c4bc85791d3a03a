"""What clients notice while a part of the system is away, hangs, restarts or has too much to do."""
