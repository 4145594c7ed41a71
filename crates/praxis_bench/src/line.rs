use serde::{Deserialize, Serialize};

use crate::stopwatch::Spent;

/// What became of one problem: one line of the `--lines` file, and of what a peer prints. Fields
/// that only the tables use are read but not written.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Line {
    /// Name of the scene.
    pub scene: String,
    /// The problem's number in the scene.
    pub index: u32,
    /// Whether a path was found.
    pub solved: bool,
    /// Time of the search, the checker's preparation included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan_ns: Option<u64>,
    /// Time of shortening.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub simplify_ns: Option<u64>,
    /// Time of timing, with the checks of rounded corners.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timing_ns: Option<u64>,
    /// What the search found.
    #[serde(default)]
    pub path_initial: Vec<Vec<f64>>,
    /// What shortening left of it.
    #[serde(default)]
    pub path: Vec<Vec<f64>>,
    /// Duration of the timed motion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub motion_duration_s: Option<f64>,
    /// Why there is no path, or no motion.
    #[serde(default, skip_serializing)]
    pub reason: Option<String>,
    /// `plan_ns` by the thread's processor clock.
    #[serde(default, skip_serializing)]
    pub plan_cpu_ns: Option<u64>,
    /// `simplify_ns` by the thread's processor clock.
    #[serde(default, skip_serializing)]
    pub simplify_cpu_ns: Option<u64>,
    /// `timing_ns` by the thread's processor clock.
    #[serde(default, skip_serializing)]
    pub timing_cpu_ns: Option<u64>,
    /// Preparation of the checker, which `plan_ns` holds.
    #[serde(default, skip_serializing)]
    pub prepare_ns: Option<u64>,
    /// Sorting the cloud's points in, which `plan_ns` does not hold.
    #[serde(default, skip_serializing)]
    pub cloud_ns: Option<u64>,
}

impl Line {
    /// Says how long the search took.
    pub fn planned(&mut self, spent: Spent) {
        (self.plan_ns, self.plan_cpu_ns) = (Some(spent.wall_ns), Some(spent.cpu_ns));
    }

    /// Says how long shortening took.
    pub fn simplified(&mut self, spent: Spent) {
        (self.simplify_ns, self.simplify_cpu_ns) = (Some(spent.wall_ns), Some(spent.cpu_ns));
    }

    /// Says how long timing took.
    pub fn timed(&mut self, spent: Spent) {
        (self.timing_ns, self.timing_cpu_ns) = (Some(spent.wall_ns), Some(spent.cpu_ns));
    }

    /// Takes over every time that another round beat. Two rounds with one seed find one path.
    pub fn take_best_times(&mut self, round: &Self) {
        let best = |mine: &mut Option<u64>, other: Option<u64>| {
            *mine = match (*mine, other) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        };
        best(&mut self.plan_ns, round.plan_ns);
        best(&mut self.simplify_ns, round.simplify_ns);
        best(&mut self.timing_ns, round.timing_ns);
        best(&mut self.plan_cpu_ns, round.plan_cpu_ns);
        best(&mut self.simplify_cpu_ns, round.simplify_cpu_ns);
        best(&mut self.timing_cpu_ns, round.timing_cpu_ns);
        best(&mut self.prepare_ns, round.prepare_ns);
        best(&mut self.cloud_ns, round.cloud_ns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_what_the_contract_names_and_no_more() {
        let mut line = Line { scene: "box".into(), index: 3, solved: true, ..Line::default() };
        line.planned(Spent { wall_ns: 5, cpu_ns: 4 });
        line.simplified(Spent { wall_ns: 6, cpu_ns: 6 });
        line.timed(Spent { wall_ns: 7, cpu_ns: 7 });
        line.path = vec![vec![0.0], vec![1.0]];
        line.path_initial = line.path.clone();
        line.motion_duration_s = Some(1.5);
        line.reason = Some("not for this file".into());
        let text = serde_json::to_string(&line).unwrap();
        assert_eq!(
            text,
            r#"{"scene":"box","index":3,"solved":true,"plan_ns":5,"simplify_ns":6,"timing_ns":7,"path_initial":[[0.0],[1.0]],"path":[[0.0],[1.0]],"motion_duration_s":1.5}"#
        );
    }

    #[test]
    fn the_best_of_each_time_is_kept() {
        let line = |plan, simplify| Line {
            plan_ns: Some(plan),
            simplify_ns: Some(simplify),
            ..Line::default()
        };
        let mut best = line(5, 9);
        best.take_best_times(&line(7, 2));
        assert_eq!((best.plan_ns, best.simplify_ns, best.timing_ns), (Some(5), Some(2), None));
    }
}
