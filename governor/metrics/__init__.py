"""What Prometheus is told, all of it: names, labels, and where each number comes from.

    counted  counters and histograms, fed as things happen, and the text of a scrape
    gauges   how each contract stands, read at the scrape

Every label has a closed set of values: what the configuration and the catalog name, and "other".
So neither a crawler nor a platform can write into a label or grow their number.
"""

from governor.metrics.counted import OUTCOMES, REASONS, Metrics
from governor.metrics.gauges import STATES

__all__ = ["OUTCOMES", "REASONS", "STATES", "Metrics"]
