"""What intake knows: people, applications with their facts and limits, the states of a case."""
