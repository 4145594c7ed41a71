use std::sync::atomic::{AtomicUsize, Ordering};

use praxis_collision::Scene;

use crate::error::MotionError;
use crate::planner::{Motion, MotionPlanner};
use crate::request::MotionRequest;

impl MotionPlanner {
    /// Plans several requests side by side on as many threads; each answer is the one that it would
    /// have got alone.
    pub fn plan_all(
        &self,
        requests: &[MotionRequest<'_>],
        scene: &Scene,
        threads: usize,
    ) -> Vec<Result<Motion, MotionError>> {
        let next = AtomicUsize::new(0);
        let work = || {
            let mut planner = self.clone();
            let mut done = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(request) = requests.get(index) else { return done };
                done.push((index, planner.plan(request, scene)));
            }
        };
        let mut all: Vec<(usize, Result<Motion, MotionError>)> = std::thread::scope(|scope| {
            let helpers: Vec<_> =
                (1..threads.min(requests.len())).map(|_| scope.spawn(work)).collect();
            let mut all = work();
            for helper in helpers {
                match helper.join() {
                    Ok(done) => all.extend(done),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            all
        });
        all.sort_by_key(|(index, _)| *index);
        all.into_iter().map(|(_, answer)| answer).collect()
    }
}
