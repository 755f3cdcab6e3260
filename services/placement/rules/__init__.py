"""The rules of placement: functions of facts, parameters and dates."""
