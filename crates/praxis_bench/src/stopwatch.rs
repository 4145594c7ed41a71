use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};

/// Time since it was started, on the wall and on this thread.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    begun: Instant,
    cpu_begun_ns: u64,
}

/// Time that something took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    /// On the wall, nanoseconds.
    pub wall_ns: u64,
    /// On this thread's processor clock, nanoseconds: what other programs take is not in it.
    pub cpu_ns: u64,
}

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Self {
        Self { cpu_begun_ns: thread_cpu_ns(), begun: Instant::now() }
    }

    /// Time since the start.
    pub fn read(&self) -> Spent {
        Spent {
            wall_ns: self.begun.elapsed().as_nanos() as u64,
            cpu_ns: thread_cpu_ns() - self.cpu_begun_ns,
        }
    }
}

/// What `work` gives, and the time that it took.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Spent) {
    let watch = Stopwatch::start();
    let made = work();
    (made, watch.read())
}

fn thread_cpu_ns() -> u64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn sleeping_takes_wall_time_and_next_to_no_processor_time() {
        let ((), spent) = timed(|| std::thread::sleep(Duration::from_millis(20)));
        assert!(spent.wall_ns >= 20_000_000, "{spent:?}");
        assert!(spent.cpu_ns < 10_000_000, "{spent:?}");
    }
}
