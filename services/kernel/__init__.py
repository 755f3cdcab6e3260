"""The vocabulary of the trade: money, days, time limits, identifiers, codes and the trace of a rule.

Pure: no clock, no database, no network. Everything here is a value or a function of values, so that every stage,
the workflows and the tests answer the same question in the same way. Import from the modules, not from here: a
workflow must not load what it does not use.
"""
