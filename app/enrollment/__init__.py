"""Requests for enrolment: accepted at once, decided later by a worker."""
