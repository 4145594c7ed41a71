use std::time::Duration;

/// Farther behind than this, wall time, the simulation gives up catching up.
const SLIP_AFTER: Duration = Duration::from_millis(100);

/// Keeps simulated time at a fixed rate of wall time, and lets go when the machine cannot keep up.
#[derive(Clone, Debug)]
pub struct Pacing {
    factor: f64,
    anchor_wall: Duration,
    anchor_sim_s: f64,
    slips: u32,
    slipped: Duration,
}

impl Pacing {
    /// Starts at the given wall and simulated times.
    pub fn new(factor: f64, wall: Duration, sim_s: f64) -> Self {
        Self { factor, anchor_wall: wall, anchor_sim_s: sim_s, slips: 0, slipped: Duration::ZERO }
    }

    /// Simulated seconds that should have passed by `wall`, at most 100 ms of wall time ahead of
    /// `sim_s`: what is beyond that is given up and counted.
    pub fn due_s(&mut self, wall: Duration, sim_s: f64) -> f64 {
        let due_s =
            self.anchor_sim_s + self.factor * wall.saturating_sub(self.anchor_wall).as_secs_f64();
        let behind = Duration::from_secs_f64(((due_s - sim_s) / self.factor).max(0.0));
        if behind <= SLIP_AFTER {
            return due_s;
        }
        self.slips += 1;
        self.slipped += behind;
        self.anchor_wall = wall;
        self.anchor_sim_s = sim_s;
        sim_s
    }

    /// Starts anew without counting what has passed: after a pause.
    pub fn resume(&mut self, wall: Duration, sim_s: f64) {
        self.anchor_wall = wall;
        self.anchor_sim_s = sim_s;
    }

    /// How often time was given up, and how much of it.
    pub fn slipped(&self) -> (u32, Duration) {
        (self.slips, self.slipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_runs_at_the_factor() {
        let mut pacing = Pacing::new(2.0, Duration::from_secs(1), 5.0);
        let due_s = pacing.due_s(Duration::from_millis(1050), 5.0);
        assert!((due_s - 5.1).abs() < 1e-9);
    }

    #[test]
    fn what_cannot_be_caught_up_is_given_up_and_counted() {
        let mut pacing = Pacing::new(1.0, Duration::ZERO, 0.0);
        assert_eq!(pacing.due_s(Duration::from_millis(300), 0.0), 0.0);
        assert_eq!(pacing.slipped(), (1, Duration::from_millis(300)));
        let due_s = pacing.due_s(Duration::from_millis(310), 0.0);
        assert!((due_s - 0.01).abs() < 1e-9);
    }
}
