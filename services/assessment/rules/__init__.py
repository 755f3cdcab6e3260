"""What happens to an assessment, as pure functions of facts, parameters and an instant."""
