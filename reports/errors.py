"""The one error base of reports: what a user can read and mend."""


class ReportError(Exception):
    """One sentence that names what went wrong and the mend; the command line prints it and exits with 1."""
