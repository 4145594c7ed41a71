//! Who goes first when there are fewer cores than work.
#![allow(unsafe_code, reason = "the standard library has no face for this system call")]

use std::io;
use std::marker::PhantomData;
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
        // What it is already is always granted, and ends what goes at once.
        schedule(niceness(), AT_A_TIME)?;
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

fn niceness() -> i32 {
    // SAFETY: 0 is the calling thread.
    unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) }
}

/// What a robot in motion waits for, by what goes first: priorities of SCHED_FIFO, above what a
/// desktop runs and below kernel threads. None runs for long while a robot moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RealTime {
    /// Commands the joints.
    ControlLoop = 80,
    /// Sends what the loop commands to the driver.
    Commands = 79,
    /// Looks ahead of the running motion.
    Monitor = 78,
    /// Takes in joint states, motions and stops, together with the middleware's threads.
    Hearing = 60,
    /// Plans a motion anew that the scene has spoilt; as long as the motion that takes over may take.
    Replanning = 50,
}

/// Lets the calling thread, and those that it starts from now on, run whenever it can, until
/// [`go_first`] or [`go_along`].
///
/// # Errors
/// Without the right to do so (root, `CAP_SYS_NICE` or an `rtprio` limit), and for a thread that was
/// started as idle work; it stays what it is.
pub fn go_at_once(as_what: RealTime) -> io::Result<()> {
    real_time(0, as_what)
}

/// The same for all threads that the process has by now, those of the middleware among them, but for
/// those that go at once already.
///
/// # Errors
/// As [`go_at_once`]; when `/proc` cannot be read.
pub fn all_go_at_once(as_what: RealTime) -> io::Result<()> {
    for task in std::fs::read_dir("/proc/self/task")? {
        let Some(thread) = task?.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let outcome = match policy_of(thread) {
            Ok(libc::SCHED_FIFO) => Ok(()),
            Ok(_) => real_time(thread, as_what),
            Err(error) => Err(error),
        };
        match outcome {
            // It has ended meanwhile.
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
            outcome => outcome?,
        }
    }
    Ok(())
}

/// Lets the calling thread run whenever it can as long as what comes back lives, where that is
/// permitted; then it goes first again, as [`go_first`] has it.
pub fn at_once(as_what: RealTime) -> AtOnce {
    AtOnce { granted: go_at_once(as_what).is_ok(), of_this_thread: PhantomData }
}

/// See [`at_once`].
#[must_use = "it ends when it is dropped"]
#[derive(Debug)]
pub struct AtOnce {
    granted: bool,
    of_this_thread: PhantomData<*const ()>,
}

impl Drop for AtOnce {
    fn drop(&mut self) {
        if self.granted {
            // Whoever may go at once may give way.
            let _ = go_first();
        }
    }
}

/// Puts a thread (0: the calling one) under SCHED_FIFO.
fn real_time(thread: libc::pid_t, as_what: RealTime) -> io::Result<()> {
    if policy_of(thread)? == libc::SCHED_IDLE {
        return Err(io::Error::other("started as idle work, it stays that"));
    }
    let parameters = libc::sched_param { sched_priority: as_what as libc::c_int };
    // SAFETY: `parameters` is valid.
    match unsafe { libc::sched_setscheduler(thread, libc::SCHED_FIFO, &parameters) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn policy_of(thread: libc::pid_t) -> io::Result<libc::c_int> {
    // SAFETY: the call takes a number only.
    match unsafe { libc::sched_getscheduler(thread) } {
        -1 => Err(io::Error::last_os_error()),
        policy => Ok(policy),
    }
}

/// Makes the calling thread an ordinary one, of a niceness and a span asked for at a time (zero: the
/// system's own). Idle work stays that.
fn schedule(nice: i32, at_a_time: Duration) -> io::Result<()> {
    let policy = match policy_of(0)? {
        libc::SCHED_IDLE => libc::SCHED_IDLE,
        _ => libc::SCHED_OTHER,
    };
    let attributes = libc::sched_attr {
        size: size_of::<libc::sched_attr>() as u32,
        sched_policy: policy as u32,
        sched_flags: 0,
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

    #[test]
    fn a_thread_goes_first_and_gives_way_again() {
        let whole = niceness();
        std::thread::spawn(move || {
            let first = go_first();
            let moved = first.is_ok() && policy_of(0).unwrap() != libc::SCHED_IDLE;
            assert_eq!(niceness(), if moved { NICE } else { whole });
            if moved {
                go_along().unwrap();
                assert_eq!(niceness(), 0);
            }
        })
        .join()
        .unwrap();
        assert_eq!(niceness(), whole, "another thread's turn is its own");
    }

    #[test]
    fn what_goes_at_once_goes_first_again_and_idle_work_stays_idle() {
        let before = policy_of(0).unwrap();
        std::thread::spawn(move || {
            let guard = at_once(RealTime::Replanning);
            let at_once = if guard.granted { libc::SCHED_FIFO } else { before };
            assert_eq!(policy_of(0).unwrap(), at_once);
            // A thread inherits it, and gives way by itself.
            std::thread::spawn(move || {
                assert_eq!(policy_of(0).unwrap(), at_once);
                let _ = go_first();
                assert_eq!(policy_of(0).unwrap(), before);
            })
            .join()
            .unwrap();
            drop(guard);
            assert_eq!(policy_of(0).unwrap(), before);
            let idle = libc::sched_param { sched_priority: 0 };
            // SAFETY: 0 is the calling thread and `idle` is valid.
            assert_eq!(unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &idle) }, 0);
            assert!(go_at_once(RealTime::Replanning).is_err());
            assert_eq!(policy_of(0).unwrap(), libc::SCHED_IDLE);
        })
        .join()
        .unwrap();
        assert_eq!(policy_of(0).unwrap(), before, "another thread's turn is its own");
    }
}
