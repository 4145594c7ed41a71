//! Who goes first when there are fewer cores than work.
#![allow(unsafe_code, reason = "the standard library has no face for this system call")]

use std::io;
use std::time::Duration;

/// Niceness of threads that a robot waits for.
const NICE: i32 = -10;
/// Such threads work for short spans; on Linux 6.12 and later the scheduler lets a thread that asks
/// for less at a time begin at once, where it would otherwise wait for a tick of 4 ms. Older ones
/// pass over it.
const AT_A_TIME: Duration = Duration::from_micros(200);

/// Lets the calling thread, and those that it starts from now on, go before ordinary work: what
/// moves a robot should not wait for a compiler. A thread that was started as idle work stays that.
///
/// # Errors
/// Without the right to go first (root or `CAP_SYS_NICE`); the thread then goes as ordinary work
/// that asks for little at a time.
pub fn go_first() -> io::Result<()> {
    let first = schedule(NICE, AT_A_TIME);
    if first.is_err() {
        schedule(0, AT_A_TIME)?;
    }
    first
}

/// Lets the calling thread, and those that it starts from now on, go as ordinary work does again.
///
/// # Errors
/// When the system refuses, which it does to a thread that began as less than ordinary.
pub fn go_along() -> io::Result<()> {
    schedule(0, Duration::ZERO)
}

/// Sets niceness and the span asked for at a time (zero: the system's own) of the calling thread.
fn schedule(nice: i32, at_a_time: Duration) -> io::Result<()> {
    /// From `linux/sched.h`: the policy stays what it is.
    const KEEP_POLICY: u64 = 0x08;
    let attributes = libc::sched_attr {
        size: size_of::<libc::sched_attr>() as u32,
        sched_policy: 0,
        sched_flags: KEEP_POLICY,
        sched_nice: nice,
        sched_priority: 0,
        sched_runtime: at_a_time.as_nanos() as u64,
        sched_deadline: 0,
        sched_period: 0,
    };
    // SAFETY: 0 is the calling thread, `attributes` is valid and says its own size.
    match unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nice() -> i32 {
        // SAFETY: 0 is the calling thread.
        unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) }
    }

    /// Not started as idle work, as tests on a machine that others measure on may be.
    fn is_ordinary() -> bool {
        // SAFETY: 0 is the calling thread.
        unsafe { libc::sched_getscheduler(0) == libc::SCHED_OTHER }
    }

    #[test]
    fn a_thread_goes_first_and_gives_way_again() {
        let whole = nice();
        std::thread::spawn(move || {
            let first = go_first();
            let moved = first.is_ok() && is_ordinary();
            assert_eq!(nice(), if moved { NICE } else { whole });
            if moved {
                go_along().unwrap();
                assert_eq!(nice(), 0);
            }
        })
        .join()
        .unwrap();
        assert_eq!(nice(), whole, "another thread's turn is its own");
    }
}
