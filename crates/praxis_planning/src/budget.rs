use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::PlanError;

/// How long a search may go on.
#[derive(Clone, Copy, Debug)]
pub struct Budget<'a> {
    /// Most iterations.
    pub max_iterations: u32,
    /// When to give up, if ever.
    pub deadline: Option<Instant>,
    /// Raised by another thread to stop the search within a few edges.
    pub cancel: Option<&'a AtomicBool>,
}

impl Budget<'_> {
    /// So many iterations, no deadline, no cancel.
    pub fn iterations(max_iterations: u32) -> Self {
        Self { max_iterations, deadline: None, cancel: None }
    }

    /// Has the caller asked to stop?
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    /// Has the deadline passed?
    pub fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Errors when the search must stop.
    pub(crate) fn check(&self, iterations: u32, nodes: usize) -> Result<(), PlanError> {
        if self.is_cancelled() {
            return Err(PlanError::Cancelled { iterations });
        }
        let late = self.is_late();
        if late || iterations >= self.max_iterations {
            return Err(PlanError::BudgetSpent { iterations, nodes });
        }
        Ok(())
    }
}
