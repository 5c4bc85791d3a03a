"""Verdicts in words: the sentences on top of the page."""

from __future__ import annotations

import math

from experiments.definition import BoundClaim, Claim, Comparison, CurveClaim, Experiment, Over, RatioClaim
from reports.analysis.estimates import CONFIDENCE, Estimate
from reports.analysis.power import MOST_TRIALS, POWER
from reports.page.capacity_words import WORDS
from reports.page.data import Judgement, Tone
from reports.page.formats import NEVER, Form, bounds, count, interval, number, value, whole_percent
from reports.page.words import METRICS, RECOVERIES, as_before
from reports.verdicts.claims import ClaimVerdict, PointVerdict
from reports.verdicts.comparisons import ComparisonVerdict, Reached
from reports.verdicts.every_trial import bad_share
from reports.verdicts.finding import Effort, EveryTrial, Figure, Outcome, Pooled
from reports.verdicts.gate import Gate, GateVerdict

CLAIM_TONES = {
    Outcome.CONFIRMED: Tone.GOOD,
    Outcome.REFUTED: Tone.BAD,
    Outcome.PARTLY: Tone.NEUTRAL,
    Outcome.INCONCLUSIVE: Tone.UNSURE,
}
REACHED_TONES = {Reached.AIM: Tone.GOOD, Reached.MUST: Tone.GOOD, Reached.MISSED: Tone.BAD, Reached.INCONCLUSIVE: Tone.UNSURE}
GATE_TONES = {Gate.PASS: Tone.GOOD, Gate.FAIL: Tone.BAD, Gate.UNKNOWN: Tone.UNSURE, Gate.NOT_APPLICABLE: Tone.NEUTRAL}
CLAIMED_OVER = {
    Over.EVERY_TRIAL: "in every trial",
    Over.POOLED: "of all trials together",
    Over.TYPICAL: "in the typical trial",
}


def claim_judgement(experiment: Experiment, verdict: ClaimVerdict) -> Judgement:
    """One claim: the statement, the verdict, what was measured and what was claimed."""
    claim = verdict.claim
    is_bound = isinstance(claim, BoundClaim)
    form = METRICS[claim.metric].form if is_bound else Form.TIMES
    unit = f" {METRICS[claim.metric].unit}" if is_bound and METRICS[claim.metric].unit else ""
    over = CLAIMED_OVER[verdict.over] if is_bound else "in the typical block" + (", at every point" if verdict.points else "")
    return Judgement(
        statement=claim.statement,
        word=verdict.outcome.value,
        tone=CLAIM_TONES[verdict.outcome],
        measured=_measured(experiment, verdict, form, unit),
        asked=f"Claimed: {_bounds(claim, form)}{unit} {over}"
        + (f"; {as_before(experiment.recovery_band)}" if claim.metric in RECOVERIES else ""),
        remark=" ".join((*_reasons(experiment, verdict), *_effort(verdict, form, unit))),
    )


def _measured(experiment: Experiment, verdict: ClaimVerdict, form: Form, unit: str) -> str:
    claim = verdict.claim
    metric = METRICS[claim.metric].title
    titles = {name: f"“{experiment.treatment(name).title}”" for name in claim.treatments}
    if isinstance(claim, CurveClaim):
        points = [f"{_place(experiment, claim, point)}: {_figure(point.measured, form, unit, 'block')}" for point in verdict.points]
        return f"{metric}, {titles[claim.numerator]} ÷ each point; {'; '.join(points)}"
    if isinstance(claim, RatioClaim):
        return f"{metric}, {titles[claim.numerator]} ÷ {titles[claim.denominator]}: {_figure(verdict.measured, form, unit, 'block')}"
    return f"{metric}, {titles[claim.treatment]}: {_figure(verdict.measured, form, unit, 'trial')}"


def _figure(found: Figure | None, form: Form, unit: str, each: str) -> str:
    if isinstance(found, Estimate):
        shown = value(found, form)
        return f"{shown}{'' if shown == NEVER else unit} {interval(found, form)}".rstrip() + f", {count(found.trials, each)}"
    if isinstance(found, EveryTrial):
        shown = number(found.worst, form)
        return f"at worst {shown}{'' if shown == NEVER else unit}, {count(found.trials, each)}"
    if isinstance(found, Pooled):
        ends = f" {bounds(found.low, found.high, form)}" if found.has_interval else ""
        lost = f"{found.share.events:,} of {count(found.share.of, 'request')} lost"
        return f"{number(found.value, form)}{unit}{ends}, {lost} in {count(found.share.trials, each)}"
    return "not measured"


def _place(experiment: Experiment, claim: CurveClaim, point: PointVerdict) -> str:
    """A point by its rate where all of the curve's differ in it, else by its title."""
    treatments = [experiment.treatment(name) for name in claim.points]
    rates = [experiment.arrivals_of(treatment).rate_per_s for treatment in treatments]
    at = claim.points.index(point.treatment)
    return f"{number(rates[at])}/s" if len(set(rates)) == len(rates) else f"“{treatments[at].title}”"


def _bounds(claim: Claim, form: Form) -> str:
    words = [
        f"{word} {number(bound, form)}" for word, bound in (("at least", claim.at_least), ("at most", claim.at_most)) if bound is not None
    ]
    return " and ".join(words)


def _reasons(experiment: Experiment, verdict: ClaimVerdict) -> tuple[str, ...]:
    claim, found = verdict.claim, verdict.measured
    if isinstance(claim, CurveClaim):
        return _where_it_holds(experiment, claim, verdict)
    reasons = (_sentence(verdict.reason),)
    if isinstance(found, EveryTrial) and not found.counterexamples:
        return (*reasons, _left_open(found))
    return reasons


def _where_it_holds(experiment: Experiment, claim: CurveClaim, verdict: ClaimVerdict) -> tuple[str, ...]:
    words = (
        (Outcome.CONFIRMED, "Holds at"),
        (Outcome.REFUTED, "Does not hold at"),
        (Outcome.INCONCLUSIVE, "Undecided at"),
    )
    places = {outcome: [_place(experiment, claim, point) for point in verdict.points if point.outcome is outcome] for outcome, _ in words}
    sentences = [f"{word} {', '.join(places[outcome])}." for outcome, word in words if places[outcome]]
    return (*sentences, _sentence(verdict.reason))


def _left_open(found: EveryTrial) -> str:
    """What clean trials don't exclude."""
    trials = f"up to {number(bad_share(found.trials), Form.SHARE)} of trials may still be bad"
    if not found.requests:
        return f"At {whole_percent(CONFIDENCE)} confidence {trials}."
    requests = f"if requests fail independently of each other, up to {number(bad_share(found.requests), Form.SHARE)} of them"
    return f"At {whole_percent(CONFIDENCE)} confidence {trials}; {requests} ({found.requests:,} were due)."


def _effort(verdict: ClaimVerdict, form: Form, unit: str) -> tuple[str, ...]:
    effort = verdict.effort
    if effort is None:
        return ()
    return (*_detectable(effort, verdict, form, unit), _trials_needed(effort))


def _detectable(effort: Effort, verdict: ClaimVerdict, form: Form, unit: str) -> tuple[str, ...]:
    if effort.detectable is None:
        return ()
    if not isinstance(verdict.claim, BoundClaim):
        distance = f"{number(effort.detectable, Form.SHARE)}"
    else:
        distance = f"{number(effort.detectable, Form.POINTS if form is Form.SHARE else form)}{unit}"
    return (f"This run would have found a distance of {distance} from the bound with a power of {whole_percent(POWER)}.",)


def _trials_needed(effort: Effort) -> str:
    if effort.trials is None:
        return f"If the estimate is right, no number of trials up to {MOST_TRIALS:,} decides it."
    time = "" if effort.minutes is None else f", about {count(math.ceil(effort.minutes), 'minute')} at the pace of this run"
    trials = f"{count(effort.trials, 'trial')} of each treatment"
    return f"If the estimate is right, {trials} decide it with a power of {whole_percent(POWER)}{time}."


def comparison_judgement(verdict: ComparisonVerdict) -> Judgement:
    """One comparison of a capacity run: what was asked of it, the verdict, and what was measured."""
    comparison, form = verdict.compared.comparison, bounds_form(verdict.compared.comparison)
    title = f"{comparison.title[:1].upper()}{comparison.title[1:]}, against {comparison.against}"
    bound = comparison.direction.replace("_", " ")
    aim = "" if comparison.aim == comparison.must else f", aiming at {exact(comparison.aim, form)}"
    return Judgement(
        statement=title,
        word=verdict.outcome.value,
        tone=REACHED_TONES[verdict.outcome],
        measured=_compared(verdict, form),
        asked=f"Asked: {bound} {exact(comparison.must, form)}{' in every round' if verdict.is_over_every_round else ''}{aim}",
        remark=_sentence(verdict.reason) + _rounds_left_open(verdict),
    )


def _rounds_left_open(verdict: ComparisonVerdict) -> str:
    if not verdict.is_over_every_round or verdict.outcome not in {Reached.AIM, Reached.MUST}:
        return ""
    share = number(bad_share(verdict.rounds), Form.SHARE)
    return f" At {whole_percent(CONFIDENCE)} confidence up to {share} of rounds may still be bad."


def bounds_form(comparison: Comparison) -> Form:
    """How what is judged is written."""
    return Form.NUMBER if comparison.reference is None else Form.TIMES


def exact(bound: float, form: Form) -> str:
    """A number as it was asked for, which has no digits to spare."""
    return f"{bound:,g}{form.value}"


def _compared(verdict: ComparisonVerdict, form: Form) -> str:
    compared, words = verdict.compared, WORDS[verdict.compared.comparison.subject.quantity]
    found, reference = compared.figure, compared.reference
    if verdict.is_over_every_round and verdict.rounds:
        return f"{words.title}: at worst {number(verdict.worst, form)}, {count(verdict.rounds, 'round')}"
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
    if gate.gate is Gate.NOT_APPLICABLE:
        return Judgement(
            "Invariants",
            gate.gate.value,
            GATE_TONES[gate.gate],
            "the experiment only reads",
            f"Asked: all hold after every {each} that writes",
            "Nothing was written, so nothing could be lost or invented.",
        )
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
