"""The parts of a section that are about faults: what each one did, and what was not tried."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.definition import Experiment
from reports.analysis.matrix import matrices
from reports.analysis.summary import Summary
from reports.analysis.untested import Untested, untested
from reports.loading import RunData
from reports.page.data import Part
from reports.page.fault_tables import broken_on_purpose, clients_table, depth_table, errors_table, system_table
from reports.page.formats import count
from reports.page.heat_maps import broken_treatments, heat_maps
from reports.page.parts import filled

STANDING_LIMITS = (
    "Lost power and lost fsyncs: a killed process leaves what it wrote to the kernel, which goes on to write it.",
    "A broker, a cache or a database of several nodes: each is a single one here: no cluster splits or fails over.",
    "Clocks that jump or drift: every node reads the clock of one machine.",
    "Several machines: everything shares the processors, the disk and the kernel of one, and a network is loopback or a bridge.",
    "Damaged data: files and messages that are read back are as they were written.",
)
"""What no run of this lab tries."""


def faults_parts(run: RunData, summary: Summary, anchor: str, *, is_many: bool) -> tuple[Part, ...]:
    """What each fault did; of many the picture first, with the figures folded. Nothing for an experiment that breaks nothing."""
    if not broken_on_purpose(run.record.experiment):
        return ()
    title = "What each fault did"
    text, maps = _headline(run.record.experiment, run), heat_maps(run, summary, anchor)
    tables = filled(
        clients_table(run, summary, anchor),
        system_table(run, summary, anchor),
        errors_table(run, anchor),
        depth_table(run, anchor),
    )
    if not is_many:
        return (Part(f"{anchor}-damage", title, text=text, heat_maps=maps, tables=tables),)
    return (
        Part(f"{anchor}-damage", title, text=text, heat_maps=maps),
        Part(f"{anchor}-figures", f"{title}, in figures", tables=tables, is_folded=True),
    )


def _headline(experiment: Experiment, run: RunData) -> str:
    faulty = [treatment.name for treatment in broken_on_purpose(experiment)]
    trials = [trial.record for trial in run.trials if trial.record.treatment in faulty]
    valid = sum(record.valid for record in trials)
    broken = len(broken_treatments(run).keys() & set(faulty))
    singles = sum(matrix.size for matrix in matrices(experiment))
    text = f"{count(len(faulty), 'treatment')} with faults, {singles} of them with a single one; {count(valid, 'valid trial')}. "
    return text + (f"A rule was broken under {broken} of them." if broken else "No rule was seen to break under any of them.")


def untested_part(run: RunData, anchor: str) -> Part:
    """What the run did not try; empty for an experiment that breaks nothing."""
    title = "What was not tested"
    if not broken_on_purpose(run.record.experiment):
        return Part(f"{anchor}-untested", title)
    text = "This run says nothing of what no valid trial of it tried, nor of what this lab can't try:"
    return Part(f"{anchor}-untested", title, text=text, points=(*_sentences(untested(run)), *STANDING_LIMITS))


def _sentences(found: Untested) -> tuple[str, ...]:
    sentences = [
        _listed("Kinds of faults on nodes", found.node_kinds),
        _listed("Kinds of faults on links", found.link_kinds if found.has_links else ()),
        _listed("Nodes that nothing struck", found.nodes),
        _listed("Links that nothing struck", found.links)
        if found.has_links
        else "Links between nodes: there were none to break (links.enabled was off).",
        "" if found.together else "Several faults at once or one after the other.",
    ]
    return tuple(sentence for sentence in sentences if sentence)


def _listed(what: str, names: Sequence[str]) -> str:
    return f"{what}: {', '.join(name.replace('_', ' ') for name in names)}." if names else ""
