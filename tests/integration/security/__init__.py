"""What nobody from outside may reach, read or use up."""
