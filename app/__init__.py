"""The system under test: three services, a relay and a worker that enrol students in courses; it knows nothing of the lab."""
