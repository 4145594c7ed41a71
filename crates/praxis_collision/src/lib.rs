//! Is this configuration, this edge, free; how far; which pair.
