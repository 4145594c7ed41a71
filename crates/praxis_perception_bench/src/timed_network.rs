//! A network that keeps account of the processor time of its runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use praxis_network::{Network, NetworkError, Outputs, TensorSpec, TensorView};
use rustix::time::{ClockId, clock_gettime};

/// This thread's processor time: what other programs take is not in it.
pub fn thread_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// A network on one thread and how long its last run took there.
pub struct TimedNetwork {
    network: Box<dyn Network>,
    last_ns: Arc<AtomicU64>,
}

impl TimedNetwork {
    /// Takes over a network; the counter holds the nanoseconds of the last run.
    pub fn new(network: Box<dyn Network>) -> (Self, Arc<AtomicU64>) {
        let last_ns = Arc::new(AtomicU64::new(0));
        (Self { network, last_ns: Arc::clone(&last_ns) }, last_ns)
    }
}

impl Network for TimedNetwork {
    fn inputs(&self) -> &[TensorSpec] {
        self.network.inputs()
    }

    fn outputs(&self) -> &[TensorSpec] {
        self.network.outputs()
    }

    fn provider(&self) -> &str {
        self.network.provider()
    }

    fn run(
        &mut self,
        inputs: &[(&str, TensorView<'_>)],
        time_limit: Option<Duration>,
    ) -> Result<Outputs, NetworkError> {
        let started = thread_time();
        let outputs = self.network.run(inputs, time_limit);
        let spent = thread_time().saturating_sub(started);
        self.last_ns.store(spent.as_nanos() as u64, Ordering::Relaxed);
        outputs
    }
}
