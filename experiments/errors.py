"""The one error base of experiments: what a user can read and mend."""


class ExperimentError(Exception):
    """One sentence that names what went wrong and the mend; the command line prints it and exits with 1."""


class DefinitionError(ExperimentError):
    """An experiment that contradicts itself, or a change to it that can't be made."""


class RecordError(ExperimentError):
    """A run directory that is missing something, is damaged, or is of another format version."""


class FaultError(ExperimentError):
    """A fault that could not be carried out, or of which nothing shows that it took effect."""


class ProbeError(ExperimentError):
    """A reading that could not be taken."""


class TrialError(ExperimentError):
    """A stage of a trial that could not be completed; the trial is invalid, the run goes on."""


class MeasurementError(ExperimentError):
    """A measurement that could not be made; it is recorded as invalid, the run goes on."""
