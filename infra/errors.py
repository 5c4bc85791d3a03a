"""The one error base of infra: what a user can read and mend."""


class InfraError(Exception):
    """One sentence that names what went wrong and the mend; the command line prints it and exits with 1."""


class FactorError(InfraError):
    """A factor that does not exist, or a value that it can't take."""


class StateError(InfraError):
    """The folder of the deployments, or a file in it, can't be used."""


class PortError(InfraError):
    """A port that a deployment wants belongs to somebody else, or none is left."""


class NodeError(InfraError):
    """A node that did not start, did not become ready, or does not exist; ends with its last log lines where there are any."""


class NotDeployedError(InfraError):
    """No deployment of that name is up."""


class CancelledError(InfraError):
    """The wait for a node was given up because the command is ending."""


class DockerError(InfraError):
    """No Docker engine answers, or it refuses."""


class ImageError(InfraError):
    """An image of the docker target can't be had."""
