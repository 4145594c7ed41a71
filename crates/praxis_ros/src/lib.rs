//! The node runtime: topics, QoS, conversions, parameters, lifecycle, time, tf, actions, diagnostics.
