//! The heartbeat monitor.

fn main() {}
