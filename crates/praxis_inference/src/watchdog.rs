//! Ends a run that takes too long, from a thread of its own.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ort::session::{NoSelectedOutputs, RunOptions};

/// Sleeps until a run is past its deadline, then terminates it.
pub(crate) struct Watchdog {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    options: Arc<RunOptions<NoSelectedOutputs>>,
}

#[derive(Default)]
struct State {
    deadline: Option<Instant>,
    fired: bool,
    closing: bool,
}

impl Watchdog {
    /// A watchdog over runs that use `options`.
    pub fn over(options: Arc<RunOptions<NoSelectedOutputs>>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State::default()),
            changed: Condvar::new(),
            options,
        });
        let watched = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("network-watch".to_owned())
            .spawn(move || watched.watch())?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Starts the clock of one run.
    pub fn arm(&self, limit: Duration) {
        let mut state = self.shared.lock();
        state.deadline = Some(Instant::now() + limit);
        state.fired = false;
        self.shared.changed.notify_one();
    }

    /// Stops the clock; true when the run was ended by it.
    pub fn disarm(&self) -> bool {
        let mut state = self.shared.lock();
        state.deadline = None;
        std::mem::take(&mut state.fired)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.shared.lock().closing = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic there has been told by the panic hook already.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self) {
        let mut state = self.lock();
        while !state.closing {
            let Some(deadline) = state.deadline else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                state.deadline = None;
                // The lock is held, so the run cannot have been disarmed in between.
                state.fired = self.options.terminate().is_ok();
            } else {
                state = self
                    .changed
                    .wait_timeout(state, left)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
            }
        }
    }
}
