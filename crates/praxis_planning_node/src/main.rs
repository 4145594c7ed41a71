//! The planning node.

fn main() {}
