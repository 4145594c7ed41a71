//! Goal + scene to a checked, timed trajectory.
