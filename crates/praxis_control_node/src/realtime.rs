//! What the control loop asks of the operating system: the steady clock, memory.
#![allow(unsafe_code, reason = "these system calls have no safe face in the standard library")]

use std::io;

/// The steady clock in nanoseconds.
pub fn steady_ns() -> i64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid timespec that the call writes to; the clock always exists on Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}

/// Sleeps until the steady clock shows `at_ns`; a signal does not cut it short.
pub fn sleep_until(at_ns: i64) {
    let at = libc::timespec { tv_sec: at_ns / 1_000_000_000, tv_nsec: at_ns % 1_000_000_000 };
    // SAFETY: `at` is a valid timespec; with TIMER_ABSTIME the remaining time is not written.
    while unsafe {
        libc::clock_nanosleep(libc::CLOCK_MONOTONIC, libc::TIMER_ABSTIME, &at, std::ptr::null_mut())
    } == libc::EINTR
    {}
}

/// Keeps pages in memory once they were touched, so that the loop meets no page fault twice.
pub fn lock_memory() -> io::Result<()> {
    let flags = libc::MCL_CURRENT | libc::MCL_FUTURE | libc::MCL_ONFAULT;
    // SAFETY: the call takes flags only.
    match unsafe { libc::mlockall(flags) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleeping_until_a_moment_does_not_wake_before_it() {
        let at_ns = steady_ns() + 3_000_000;
        sleep_until(at_ns);
        assert!(steady_ns() >= at_ns);
        sleep_until(at_ns);
    }
}
