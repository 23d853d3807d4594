"""Measurements: two servers in one run, interleaved, medians and ratios; nothing is asserted by time."""
