//! The task node.

fn main() {}
