"""What an experiment is, as frozen typed values.

Pure. A module of the catalog, or a file of the user's own, makes one :class:`Experiment` (an open loop: what clients notice, in
treatments, under faults) or one :class:`CapacityExperiment` (a closed loop: how much each implementation can do); its resolved JSON in
the run directory is the language-neutral record of what was asked.
"""

from experiments.definition.arrivals import Arrivals, Operation, Ramp, Spike
from experiments.definition.base import TRIALS_FOR_A_VERDICT, BaseExperiment, Dataset, Name, Scalar, Value, explain
from experiments.definition.capacity import (
    AnyPath,
    CapacityExperiment,
    ColdKeyPath,
    Comparison,
    Implementation,
    Measured,
    Quantity,
    ReadPath,
    RegistrationPath,
    ZipfPath,
)
from experiments.definition.chance import Chance
from experiments.definition.change import AnyExperiment, changed
from experiments.definition.claims import DEFAULT_OVER, POOLABLE, BoundClaim, Claim, CurveClaim, Metric, Over, RatioClaim
from experiments.definition.experiment import READS, WRITES, Experiment, Objective, Phase, Phases, Treatment
from experiments.definition.fault_plan import check_faults, start_order
from experiments.definition.faults import (
    AfterAccepted,
    AfterFault,
    AnyFault,
    Event,
    Fault,
    FaultKind,
    LinkFault,
    LinkFaultKind,
    Part,
    node_names,
    parts,
    targets,
)

__all__ = [
    "DEFAULT_OVER",
    "POOLABLE",
    "READS",
    "TRIALS_FOR_A_VERDICT",
    "WRITES",
    "AfterAccepted",
    "AfterFault",
    "AnyExperiment",
    "AnyFault",
    "AnyPath",
    "Arrivals",
    "BaseExperiment",
    "BoundClaim",
    "CapacityExperiment",
    "Chance",
    "Claim",
    "ColdKeyPath",
    "Comparison",
    "CurveClaim",
    "Dataset",
    "Event",
    "Experiment",
    "Fault",
    "FaultKind",
    "Implementation",
    "LinkFault",
    "LinkFaultKind",
    "Measured",
    "Metric",
    "Name",
    "Objective",
    "Operation",
    "Over",
    "Part",
    "Phase",
    "Phases",
    "Quantity",
    "Ramp",
    "RatioClaim",
    "ReadPath",
    "RegistrationPath",
    "Scalar",
    "Spike",
    "Treatment",
    "Value",
    "ZipfPath",
    "changed",
    "check_faults",
    "explain",
    "node_names",
    "parts",
    "start_order",
    "targets",
]
