"""Verdicts in words: the sentences on top of the page."""

from __future__ import annotations

from experiments.definition import TRIALS_FOR_A_VERDICT, Claim, Experiment, RatioClaim
from reports.analysis.estimates import Estimate
from reports.page.data import Judgement, Tone
from reports.page.formats import Form, count, interval, number, value
from reports.page.words import METRICS
from reports.verdicts.claims import ClaimVerdict, Outcome
from reports.verdicts.gate import Gate, GateVerdict

CLAIM_TONES = {Outcome.CONFIRMED: Tone.GOOD, Outcome.REFUTED: Tone.BAD, Outcome.INCONCLUSIVE: Tone.UNSURE}
GATE_TONES = {Gate.PASS: Tone.GOOD, Gate.FAIL: Tone.BAD, Gate.UNKNOWN: Tone.UNSURE}


def claim_judgement(experiment: Experiment, verdict: ClaimVerdict) -> Judgement:
    """One claim: the statement, the verdict, what was measured and what was claimed."""
    claim = verdict.claim
    form = Form.TIMES if isinstance(claim, RatioClaim) else METRICS[claim.metric].form
    unit = "" if isinstance(claim, RatioClaim) or not METRICS[claim.metric].unit else f" {METRICS[claim.metric].unit}"
    word = f"{verdict.outcome.value} (indicative)" if verdict.is_indicative else verdict.outcome.value
    return Judgement(
        statement=claim.statement,
        word=word,
        tone=CLAIM_TONES[verdict.outcome],
        measured=_measured(experiment, verdict, form, unit),
        claimed=f"{_bounds(claim, form)}{unit}",
        remark=_remark(verdict),
    )


def _measured(experiment: Experiment, verdict: ClaimVerdict, form: Form, unit: str) -> str:
    claim = verdict.claim
    metric = METRICS[claim.metric].title
    if isinstance(claim, RatioClaim):
        above, below = experiment.treatment(claim.numerator).title, experiment.treatment(claim.denominator).title
        what, each = f"{metric}, “{above}” ÷ “{below}”", "block"
    else:
        what, each = f"{metric}, “{experiment.treatment(claim.treatment).title}”", "trial"
    if not isinstance(verdict.measured, Estimate):
        return f"{what}: not measured"
    found = verdict.measured
    return f"{what}: {value(found, form)}{unit} {interval(found, form)}".rstrip() + f", {count(found.trials, each)}"


def _bounds(claim: Claim, form: Form) -> str:
    words = [
        f"{word} {number(bound, form)}" for word, bound in (("at least", claim.at_least), ("at most", claim.at_most)) if bound is not None
    ]
    return " and ".join(words)


def _remark(verdict: ClaimVerdict) -> str:
    remark = verdict.reason[0].upper() + verdict.reason[1:] + "."
    if verdict.is_indicative:
        remark += f" It rests on {verdict.trials} of the {TRIALS_FOR_A_VERDICT} trials that a verdict needs: a hint, no more."
    return remark


def gate_judgement(gate: GateVerdict) -> Judgement:
    """The invariants of a run in a sentence."""
    broken = [invariant.name.replace("_", " ") for invariant in gate.invariants if invariant.gate is gate.gate]
    names = ", ".join(broken)
    if gate.gate is Gate.PASS:
        measured, remark = f"{names}: held after every trial", ""
    elif gate.gate is Gate.FAIL:
        measured = f"broken: {names}"
        remark = "Figures of a system that loses or invents data are no evidence of anything; read the claims below with that in mind."
    elif not gate.invariants:
        measured, remark = "none was checked", "What was not checked did not pass."
    else:
        measured = f"unknown: {names}" if broken else "every finished trial passed"
        remark = "What was not checked did not pass."
    if gate.unfinished:
        remark = f"{count(gate.unfinished, 'planned trial')} left no record. {remark}".rstrip()
    return Judgement("Invariants", gate.gate.value, GATE_TONES[gate.gate], measured, "all hold after every trial", remark)
