"""What is sent, by Locust: a program of its own, since importing locust patches the whole process; ``experiments.load`` runs it."""
