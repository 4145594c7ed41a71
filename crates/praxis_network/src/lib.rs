//! The Network trait, model cards and decoders.
