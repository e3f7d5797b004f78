"""A platform to try Governor on, three crawlers, and a judge who does not know Governor."""
