"""Rules that no explanation ever names, each with its reason; a test holds the list to what is played.

A rule of the process moves a case between states or says from which day a limit runs: it is decided by a state table
or a command and shows as state, timeline row or deadline. A rule that decides a number or an answer is not here.
"""

from __future__ import annotations

UNTRACED = {
    "S1": "opens a case: its answer is the state, with the missing papers and D-02 beside it",
    "S2": "starts D-01 and D-03: seen as deadlines of the application",
    "S3": "the decision is the trace of the R-rules",
    "S4a": "a state of placement",
    "S4b": "a state of placement",
    "S4c": "a state of placement",
    "S5": "ExplainPriority needs a list of waiting people: placement brings it",
    "S6": "a state of placement; a plan that may not be signed is refused by R-06, R-07, R-18",
    "S7": "refuses care outside a contract: the refusal is the answer",
    "S8": "the decision is the trace of the P-rules",
    "S9": "the status of an invoice on the account",
    "S10": "a timer of the care workflow",
    "S11": "a state of placement",
    "L-01": "the instant of timed work: seen as the due time of timers and the issue date of invoices",
    "L-02": "which rules are asked when: R-rules of another occasion are absent from the trace",
    "L-03": "a step of the state table of assessment",
    "L-04": "which of two facts holds, before any rule looks at it",
    "L-05": "the list of missing papers is the answer",
    "L-06": "rungs of the ladder of calls: seen as rungs of the assessment",
    "L-07": "a step of the state table of placement",
    "L-08": "a step of the state tables; the term itself is D-05",
    "L-09": "ExplainPriority needs a list of waiting people: placement brings it",
    "L-10": "the event from which D-11 runs",
    "L-11": "planned units are rows: delivery brings their explanation",
    "L-12": "which declaration holds in a month; ExplainFee of a stored case names the amounts",
    "L-13": "which invoice arrears count from; the term itself is D-08",
    "L-14": "a step of the state table of placement; the route is R-35",
    "L-15": "a step of the state tables",
    "R-02": "a unique index of the database decides it; DUPLICATE_CASE names the live case",
    "F-18": "a note names the difference between two explained amounts: billing brings its explanation",
    "P-10": "a command: what is left of the pause is explained as any pause",
    "T-14": "a rung already taken is never due again: a row of the ladder",
}
