"""Verdicts in words: the sentences on top of the page."""

from __future__ import annotations

from experiments.definition import TRIALS_FOR_A_VERDICT, Claim, Comparison, Experiment, RatioClaim
from reports.analysis.estimates import Estimate
from reports.page.capacity_words import WORDS
from reports.page.data import Judgement, Tone
from reports.page.formats import NEVER, Form, count, interval, number, value
from reports.page.words import METRICS, RECOVERIES, as_before
from reports.verdicts.claims import ClaimVerdict, Outcome
from reports.verdicts.comparisons import ComparisonVerdict, Reached
from reports.verdicts.gate import Gate, GateVerdict

CLAIM_TONES = {Outcome.CONFIRMED: Tone.GOOD, Outcome.REFUTED: Tone.BAD, Outcome.INCONCLUSIVE: Tone.UNSURE}
REACHED_TONES = {Reached.AIM: Tone.GOOD, Reached.MUST: Tone.GOOD, Reached.MISSED: Tone.BAD, Reached.INCONCLUSIVE: Tone.UNSURE}
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
        asked=f"Claimed: {_bounds(claim, form)}{unit}" + (f"; {as_before(experiment.recovery_band)}" if claim.metric in RECOVERIES else ""),
        remark=_remark(verdict),
    )


def _measured(experiment: Experiment, verdict: ClaimVerdict, form: Form, unit: str) -> str:
    claim = verdict.claim
    metric = METRICS[claim.metric].title
    if isinstance(claim, RatioClaim):
        above, below = experiment.treatment(claim.numerator).title, experiment.treatment(claim.denominator).title
        what, each = f"{metric}, “{above}” ÷ “{below}”", "block"
    else:
        what, each = f"{metric}, “{experiment.treatment(claim.treatments[0]).title}”", "trial"
    if not isinstance(verdict.measured, Estimate):
        return f"{what}: not measured"
    found = verdict.measured
    shown = value(found, form)
    return f"{what}: {shown}{'' if shown == NEVER else unit} {interval(found, form)}".rstrip() + f", {count(found.trials, each)}"


def _bounds(claim: Claim, form: Form) -> str:
    words = [
        f"{word} {number(bound, form)}" for word, bound in (("at least", claim.at_least), ("at most", claim.at_most)) if bound is not None
    ]
    return " and ".join(words)


def _remark(verdict: ClaimVerdict) -> str:
    remark = _sentence(verdict.reason)
    if verdict.is_indicative:
        remark += f" It rests on {verdict.trials} of the {TRIALS_FOR_A_VERDICT} trials that a verdict needs: a hint, no more."
    return remark


def comparison_judgement(verdict: ComparisonVerdict) -> Judgement:
    """One comparison of a capacity run: what was asked of it, the verdict, and what was measured."""
    comparison, form = verdict.compared.comparison, bounds_form(verdict.compared.comparison)
    title = f"{comparison.title[:1].upper()}{comparison.title[1:]}, against {comparison.against}"
    bound = comparison.direction.replace("_", " ")
    aim = "" if comparison.aim == comparison.must else f", aiming at {exact(comparison.aim, form)}"
    remark = _sentence(verdict.reason)
    if verdict.is_indicative:
        remark += f" It rests on {verdict.rounds} of the {TRIALS_FOR_A_VERDICT} rounds that a verdict needs: a hint, no more."
    return Judgement(
        statement=title,
        word=reached_word(verdict),
        tone=REACHED_TONES[verdict.outcome],
        measured=_compared(verdict, form),
        asked=f"Asked: {bound} {exact(comparison.must, form)}{aim}",
        remark=remark,
    )


def reached_word(verdict: ComparisonVerdict) -> str:
    """The outcome as a page says it."""
    return f"{verdict.outcome.value} (indicative)" if verdict.is_indicative else verdict.outcome.value


def bounds_form(comparison: Comparison) -> Form:
    """How what is judged is written."""
    return Form.NUMBER if comparison.reference is None else Form.TIMES


def exact(bound: float, form: Form) -> str:
    """A number as it was asked for, which has no digits to spare."""
    return f"{bound:,g}{form.value}"


def _compared(verdict: ComparisonVerdict, form: Form) -> str:
    compared, words = verdict.compared, WORDS[verdict.compared.comparison.subject.quantity]
    found, reference = compared.figure, compared.reference
    if not isinstance(found, Estimate):
        return f"{words.title}: not measured"
    unit = f" {words.unit}" if words.unit else ""
    sides = ""
    if isinstance(compared.subject, Estimate) and isinstance(reference, Estimate):
        sides = f" ({value(compared.subject)} against {value(reference)}{unit})"
    own_unit = unit if reference is None else ""
    return f"{words.title}: {value(found, form)}{own_unit} {interval(found, form)}".rstrip() + f", {count(found.trials, 'round')}{sides}"


def gate_judgement(gate: GateVerdict, each: str = "trial") -> Judgement:
    """The invariants of a run in a sentence; ``each`` is what they were checked after."""
    broken = [invariant.name.replace("_", " ") for invariant in gate.invariants if invariant.gate is gate.gate and invariant.is_exercised]
    idle = [invariant.name.replace("_", " ") for invariant in gate.invariants if not invariant.is_exercised]
    names = ", ".join(broken)
    if gate.gate is Gate.PASS:
        measured, remark = f"{names}: held after every {each}", ""
    elif gate.gate is Gate.FAIL:
        measured = f"broken: {names}"
        remark = "Figures of a system that loses or invents data are no evidence of anything; read the claims below with that in mind."
    elif len(idle) == len(gate.invariants):
        measured, remark = "none was checked", "What was not checked did not pass."
    else:
        measured = f"unknown: {names}" if broken else f"every finished {each} passed"
        remark = "What was not checked did not pass."
    if idle:
        remark = f"{remark} Nothing to check in any {each}: {', '.join(idle)}.".lstrip()
    if gate.unfinished:
        remark = f"{count(gate.unfinished, f'planned {each}')} left no record. {remark}".rstrip()
    return Judgement("Invariants", gate.gate.value, GATE_TONES[gate.gate], measured, f"Asked: all hold after every {each}", remark)


def _sentence(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:]}."
