//! The perception node.

fn main() {}
