//! The sim node.

fn main() {}
