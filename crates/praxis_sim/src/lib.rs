//! Physics, cameras, a robot driver and the ground truth.
