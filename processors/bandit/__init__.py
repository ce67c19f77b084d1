"""Bandit statistics: rewards of cards by user group, and expectations for the next exposure."""
