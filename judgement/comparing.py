"""A trial's two judges compared: by what people said of the same inputs, and by what each would have done.

An input counts once. What chance drew is counted apart: what people were asked for being hard says how the two do on
hard inputs, and is no measure of the traffic.
"""

import math
from dataclasses import dataclass

from counterfoil.database import Connection
from judgement.threshold import tail, upper_bound
from judgement.trials import HOSTED, NEXT, Trial

#: So much the odds must have grown before one of the two is called better: wrong in one of twenty trials at most,
#: however often one looks meanwhile (Ville).
ODDS_MIN = 20.0

# Of an input that came several times the pair that a person has answered, then the first.
_PAIRS = """
    WITH pairs AS (
        SELECT DISTINCT ON (s.input_hash) s.*, d.sampled, d.status = 'settled' AS said,
               s.label IS NOT DISTINCT FROM d.settled_label AS challenger_right,
               s.champion_label IS NOT DISTINCT FROM d.settled_label AS champion_right
        FROM second_answers s JOIN decisions d ON d.id = s.decision_id
        WHERE s.trial_id = %(trial)s ORDER BY s.input_hash, d.status = 'settled' DESC, s.decision_id)
"""
_DONE = f"""
    {_PAIRS}
    SELECT count(*) AS inputs, count(*) FILTER (WHERE fault IS NOT NULL) AS faults,
           count(*) FILTER (WHERE fault IS NULL AND champion_would_act) AS champion_acts,
           count(*) FILTER (WHERE fault IS NULL AND would_act) AS challenger_acts,
           coalesce(sum(champion_cost_micro_usd), 0)::bigint AS champion_cost_micro_usd,
           coalesce(sum(cost_micro_usd), 0)::bigint AS challenger_cost_micro_usd,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY champion_latency_ms) AS champion_latency_ms_p50,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY latency_ms) AS challenger_latency_ms_p50
    FROM pairs
"""
_TOLD = f"""
    {_PAIRS}
    SELECT count(*) AS labels, count(*) FILTER (WHERE champion_right) AS champion_right,
           count(*) FILTER (WHERE challenger_right) AS challenger_right,
           count(*) FILTER (WHERE champion_right AND NOT challenger_right) AS only_champion,
           count(*) FILTER (WHERE challenger_right AND NOT champion_right) AS only_challenger,
           count(*) FILTER (WHERE champion_would_act) AS champion_acts,
           count(*) FILTER (WHERE would_act) AS challenger_acts,
           count(*) FILTER (WHERE champion_would_act AND NOT champion_right) AS champion_acts_wrong,
           count(*) FILTER (WHERE would_act AND NOT challenger_right) AS challenger_acts_wrong
    FROM pairs WHERE said AND fault IS NULL AND (sampled OR NOT %(by_chance)s)
"""


@dataclass(frozen=True, slots=True)
class Told:
    """Both against what people said. Right: the same label, or none where none of the labels fits."""

    labels: int
    champion_right: int
    challenger_right: int
    only_champion: int
    only_challenger: int
    champion_acts: int
    challenger_acts: int
    champion_acts_wrong: int
    challenger_acts_wrong: int

    @property
    def chance(self) -> float:
        """How often two equally good ones differ so unevenly or more: McNemar's test, exact, two-sided."""
        differ, fewer = self.only_champion + self.only_challenger, min(self.only_champion, self.only_challenger)
        return min(1.0, 2 * tail(differ, fewer, 0.5)) if differ else 1.0

    @property
    def odds(self) -> float:
        """What a bet against "both are equally good" is worth; unlike `chance` it may be looked at again and again.

        The bet is laid on every rate of wins alike: the mean of their likelihood ratios is a martingale.
        """
        won, differ = self.only_challenger, self.only_champion + self.only_challenger
        return math.exp(
            differ * math.log(2) + math.lgamma(won + 1) + math.lgamma(differ - won + 1) - math.lgamma(differ + 2)
        )


def interval(right: int, labels: int) -> tuple[float, float] | None:
    """Within which the share right lies, in nineteen of twenty cases (Clopper-Pearson)."""
    return (1 - upper_bound(labels, labels - right, 0.025), upper_bound(labels, right, 0.025)) if labels else None


@dataclass(frozen=True, slots=True)
class Compared:
    """A trial so far."""

    inputs: int
    #: Where the challenger gave no answer because something failed; not counted against it, nor for it.
    faults: int
    champion_acts: int
    challenger_acts: int
    champion_cost_micro_usd: int
    challenger_cost_micro_usd: int
    champion_latency_ms_p50: float | None
    challenger_latency_ms_p50: float | None
    by_chance: Told
    all: Told


def compare(conn: Connection, trial: Trial) -> Compared:
    """What a trial shows so far."""
    done = conn.execute(_DONE, {"trial": trial.id}).fetchone()
    assert done is not None
    return Compared(**done, by_chance=_told(conn, trial, True), all=_told(conn, trial, False))


def advice(trial: Trial, found: Compared) -> str:
    """What to make of it, in a sentence; from what chance drew alone."""
    told = found.by_chance
    if not told.labels:
        return "Nobody has answered an input that chance drew: nothing can be said of the traffic yet."
    differ = f"they differ on {told.only_champion + told.only_challenger} of {told.labels} that chance drew"
    if told.odds < ODDS_MIN:
        return f"Chance explains what is seen so far ({differ}): go on, or let it be."
    if told.only_challenger > told.only_champion:
        return f"The challenger is right more often ({differ}): {_how(trial)}."
    return f"What answers now is right more often ({differ}): stop the trial."


def _how(trial: Trial) -> str:
    if trial.challenger == HOSTED:
        return "COUNTERFOIL_MODEL has it asked where the local judge is not sure"
    if trial.challenger == NEXT:
        return "put NEXT in the place of QUESTION, which then begins in shadow"
    return f"`counterfoil judge rollback {trial.question} --number {trial.number}` lets it answer"


def _told(conn: Connection, trial: Trial, by_chance: bool) -> Told:
    row = conn.execute(_TOLD, {"trial": trial.id, "by_chance": by_chance}).fetchone()
    assert row is not None
    return Told(**row)
