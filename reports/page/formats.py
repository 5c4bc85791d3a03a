"""Numbers, times and estimates as people read them."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from enum import Enum

from reports.analysis.estimates import Estimate, Observation, Unmeasured
from reports.analysis.measures import Measured
from reports.page.data import Cell, Raw, Tone

NEVER = "none"
"""What a time until something is that never happened."""
NOTHING = "–"  # noqa: RUF001 - the typographic dash of tables
SIGNIFICANT_DIGITS = 3
WHOLE_FROM = 1000
"""Numbers from here on are shown whole."""
MOST_DECIMALS = 3
PERCENT = 100


class Form(Enum):
    """How a number is written."""

    NUMBER = ""
    TIMES = "×"  # noqa: RUF001 - the multiplication sign
    SHARE = "%"
    POINTS = "pp"
    """A difference of shares, in percentage points."""
    OR_NONE = "or none"
    """A time until something; infinite where it never happens."""


def number(value: float, form: Form = Form.NUMBER, *, signed: bool = False) -> str:
    """A number with three significant digits, shares near 100 % with as many as tell them from it."""
    if math.isnan(value):
        return NOTHING
    if form is Form.OR_NONE:
        return NEVER if math.isinf(value) else number(value, signed=signed)
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"  # noqa: RUF001 - the minus sign
    if form is Form.SHARE:
        return f"{_share(value)} %"
    if form is Form.POINTS:
        return f"{number(value * PERCENT, signed=signed)} pp"
    text = _plain(abs(value))
    sign = ("−" if value < 0 and float(text.replace(",", "")) else "+" if signed and value > 0 else "") + text  # noqa: RUF001
    return f"{sign}{form.value}"


def _plain(value: float) -> str:
    if value == 0:
        return "0"
    if value >= WHOLE_FROM:
        return f"{value:,.0f}"
    decimals = min(MOST_DECIMALS, max(0, SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(value))))
    text = f"{value:.{decimals}f}"
    return f"{value:.0f}" if value.is_integer() else text


def _share(value: float) -> str:
    percent = value * PERCENT
    if percent in {0, PERCENT}:
        return f"{percent:.0f}"
    text = f"{percent:.2f}"
    return f"{percent:.4f}" if text in {"0.00", "100.00"} else text


def whole_percent(share: float) -> str:
    """A share that was chosen, as a confidence or a power, in whole per cent."""
    return f"{share * PERCENT:.0f} %"


def interval(estimate: Estimate, form: Form = Form.NUMBER, *, signed: bool = False) -> str:
    """``[low, high]``; with too few trials for an interval ``range [low, high]``, and nothing for one trial, which has neither."""
    if estimate.trials == 1:
        return ""
    ends = bounds(estimate.low, estimate.high, form, signed=signed)
    return ends if estimate.has_interval else f"range {ends}"


def bounds(low: float, high: float, form: Form = Form.NUMBER, *, signed: bool = False) -> str:
    """``[low, high]``."""
    return f"[{number(low, form, signed=signed)}, {number(high, form, signed=signed)}]"


def value(estimate: Estimate, form: Form = Form.NUMBER, *, signed: bool = False) -> str:
    """The estimate itself; a lower bound says so."""
    return ("> " if estimate.is_lower_bound else "") + number(estimate.value, form, signed=signed)


def estimate_cell(estimate: Estimate | Unmeasured | None, form: Form = Form.NUMBER, *, signed: bool = False) -> Cell:
    """Value and interval, of which a CSV has three columns."""
    if not isinstance(estimate, Estimate):
        return Cell(NOTHING, (None, None, None), tone=Tone.FAINT)
    return Cell(
        value(estimate, form, signed=signed),
        (estimate.value, estimate.low, estimate.high),
        interval=interval(estimate, form, signed=signed),
    )


def estimate_names(name: str) -> tuple[str, str, str]:
    """CSV columns of an estimate."""
    return name, f"{name}_low", f"{name}_high"


def measured_cell(measured: Measured, form: Form = Form.NUMBER) -> Cell:
    """One trial's number."""
    if not isinstance(measured, Observation):
        return Cell(NOTHING, (None,), tone=Tone.FAINT)
    if measured.is_censored and math.isfinite(measured.high):
        return Cell(f"{number(measured.low, form)} to {number(measured.high, form)}", (measured.low,))
    return Cell(("> " if measured.is_censored else "") + number(measured.low, form), (measured.low,))


def text_cell(text: str, tone: Tone = Tone.NEUTRAL) -> Cell:
    """Words."""
    return Cell(text or NOTHING, (text,), tone=tone)


def number_cell(raw: float | None, tone: Tone = Tone.NEUTRAL) -> Cell:
    """A plain number, or none."""
    if raw is None:
        return Cell(NOTHING, (None,), tone=Tone.FAINT)
    shown: Raw = raw
    return Cell(str(raw) if isinstance(raw, int) else number(raw), (shown,), tone=tone)


def moment(time: datetime | None) -> str:
    """A point in time, in UTC."""
    return NOTHING if time is None else time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def count(number_of: int, thing: str) -> str:
    """``1 trial``, ``5 trials``."""
    return f"{number_of:,} {thing}" + ("" if number_of == 1 else "s")
