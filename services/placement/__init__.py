"""Stages S4 to S6: orders, referrals and places, the waiting list, the contract."""
