use std::io;

/// Niceness of threads that a robot waits for.
const NICE: i32 = -10;

/// Lets the calling thread, and those that it starts from now on, go before ordinary work: what
/// moves a robot should not wait for a compiler. Needs root or `CAP_SYS_NICE`.
pub fn go_first() -> io::Result<()> {
    // On Linux niceness belongs to a thread; no process named means the calling one.
    Ok(rustix::process::setpriority_process(None, NICE)?)
}

/// Lets the calling thread go on as ordinary work, in a process that goes first.
pub fn go_with_others() -> io::Result<()> {
    Ok(rustix::process::setpriority_process(None, 0)?)
}
