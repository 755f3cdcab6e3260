"""Rules of delivery as functions of facts, parameters and dates."""
