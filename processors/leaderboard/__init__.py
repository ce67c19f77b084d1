"""The leaderboard: candidates are ranked in the shadow of the pages that are shown, and valued as these settle."""
