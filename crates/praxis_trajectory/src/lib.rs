//! Time-optimal jerk-limited timing, sampling, braking, joining.
