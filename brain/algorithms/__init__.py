"""Layer 3, algorithms: scores to votes, votes to a direction."""
