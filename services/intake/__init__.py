"""Stages S1 and S3: applications, papers, eligibility, and the state of every case."""
