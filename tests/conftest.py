"""Settings of the test run: no test is timed, machines differ."""

from hypothesis import settings

settings.register_profile("shelfwise", deadline=None, print_blob=True)
settings.load_profile("shelfwise")
