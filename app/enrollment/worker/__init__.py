"""The enrolment worker: decides requests in batches."""
