use std::collections::BTreeMap;

use praxis_planning::path_length;
use serde::Serialize;

use crate::figures::Figures;
use crate::line::Line;
use crate::motion_check::MotionVerdict;
use crate::path_check::PathFault;

/// One problem, and what the plain checker says of its outcome.
pub struct Judged {
    /// The outcome.
    pub line: Line,
    /// What is wrong with its path.
    pub fault: Option<PathFault>,
    /// What sampling its motion shows.
    pub motion: Option<MotionVerdict>,
}

/// The figures of many problems, as `--json` writes them. What was not measured is absent.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Summary {
    /// Problems with a path.
    pub solved: usize,
    /// Problems that were tried: all valid ones.
    pub total_valid: usize,
    /// Search, the checker's preparation included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planning_us: Option<Figures>,
    /// Search by the thread's processor clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planning_cpu_us: Option<Figures>,
    /// Preparation of the checker, which is in `planning_us`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preparation_us: Option<Figures>,
    /// Shortening.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub simplify_us: Option<Figures>,
    /// Shortening by the thread's processor clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub simplify_cpu_us: Option<Figures>,
    /// Search and shortening.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planning_and_simplify_us: Option<Figures>,
    /// Search and shortening by the thread's processor clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planning_and_simplify_cpu_us: Option<Figures>,
    /// Timing, with the checks of rounded corners.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timing_us: Option<Figures>,
    /// Timing by the thread's processor clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timing_cpu_us: Option<Figures>,
    /// All of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_us: Option<Figures>,
    /// All of it by the thread's processor clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_cpu_us: Option<Figures>,
    /// Sorting in the points of a cloud, which is in none of the above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_update_us: Option<Figures>,
    /// Cost of what the search found (joint space, L2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial_path_length_rad: Option<Figures>,
    /// Cost after shortening.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_length_rad: Option<Figures>,
    /// Duration of the timed motions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub motion_duration_s: Option<Figures>,
    /// Paths that the plain checker refuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invalid_paths: Option<usize>,
    /// Samples of the motions at 1 kHz.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub motion_samples: Option<u64>,
    /// Samples out of bounds, too fast, with too much acceleration or jerk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_violations: Option<u64>,
    /// Motions with a sample that is not free.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub colliding_motions: Option<usize>,
    /// Problems without a path or a motion, and paths that were refused, each with the reason.
    pub complaints: Vec<String>,
}

impl Summary {
    /// Of these problems; what failed counts in no figure but `solved`.
    pub fn of(judged: &[&Judged]) -> Self {
        let solved: Vec<&Judged> = judged.iter().copied().filter(|j| j.line.solved).collect();
        let of = |value: &dyn Fn(&Line) -> Option<f64>| {
            Figures::of(solved.iter().filter_map(|j| value(&j.line)))
        };
        let us =
            |field: fn(&Line) -> Option<u64>| of(&|line| field(line).map(|ns| ns as f64 * 1e-3));
        let length = |path: &[Vec<f64>]| (!path.is_empty()).then(|| path_length(path));
        let motions: Vec<&MotionVerdict> =
            solved.iter().filter_map(|j| j.motion.as_ref()).collect();
        let has_motions = !motions.is_empty();
        Self {
            solved: solved.len(),
            total_valid: judged.len(),
            planning_us: us(|l| l.plan_ns),
            planning_cpu_us: us(|l| l.plan_cpu_ns),
            preparation_us: us(|l| l.prepare_ns),
            simplify_us: us(|l| l.simplify_ns),
            simplify_cpu_us: us(|l| l.simplify_cpu_ns),
            planning_and_simplify_us: us(|l| Some(l.plan_ns? + l.simplify_ns?)),
            planning_and_simplify_cpu_us: us(|l| Some(l.plan_cpu_ns? + l.simplify_cpu_ns?)),
            timing_us: us(|l| l.timing_ns),
            timing_cpu_us: us(|l| l.timing_cpu_ns),
            total_us: us(|l| Some(l.plan_ns? + l.simplify_ns? + l.timing_ns?)),
            total_cpu_us: us(|l| Some(l.plan_cpu_ns? + l.simplify_cpu_ns? + l.timing_cpu_ns?)),
            cloud_update_us: us(|l| l.cloud_ns),
            initial_path_length_rad: of(&|l| length(&l.path_initial)),
            path_length_rad: of(&|l| length(&l.path)),
            motion_duration_s: of(&|l| l.motion_duration_s),
            invalid_paths: solved
                .iter()
                .any(|j| !j.line.path.is_empty())
                .then(|| solved.iter().filter(|j| j.fault.is_some()).count()),
            motion_samples: has_motions.then(|| motions.iter().map(|m| m.samples).sum()),
            limit_violations: has_motions.then(|| motions.iter().map(|m| m.outside).sum()),
            colliding_motions: has_motions.then(|| motions.iter().filter(|m| m.collides).count()),
            complaints: judged.iter().filter_map(|j| complaint(j)).collect(),
        }
    }
}

fn complaint(judged: &Judged) -> Option<String> {
    let Judged { line, fault, .. } = judged;
    let what = match (fault, &line.reason) {
        (Some(fault), _) => format!("the path {fault}"),
        (None, Some(reason)) => reason.clone(),
        (None, None) if line.solved => return None,
        (None, None) => "unsolved".to_owned(),
    };
    Some(format!("{} {}: {what}", line.scene, line.index))
}

/// The problems of each scene, by its name.
pub fn by_scene(judged: &[Judged]) -> BTreeMap<&str, Vec<&Judged>> {
    let mut scenes: BTreeMap<&str, Vec<&Judged>> = BTreeMap::new();
    for one in judged {
        scenes.entry(&one.line.scene).or_default().push(one);
    }
    scenes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(solved: bool, plan_ns: u64, fault: Option<PathFault>) -> Judged {
        let path = vec![vec![0.0], vec![1.0]];
        let reason = (!solved).then(|| "no path after 7 iterations".to_owned());
        let line = Line {
            scene: "cage".into(),
            index: 4,
            solved,
            plan_ns: Some(plan_ns),
            path: if solved { path } else { Vec::new() },
            reason,
            ..Line::default()
        };
        Judged { line, fault, motion: None }
    }

    #[test]
    fn what_failed_is_in_no_figure_and_what_was_not_measured_is_absent() {
        let all = [
            judged(true, 3_000, None),
            judged(true, 5_000, Some(PathFault::Touches { edge: 0 })),
            judged(false, 900_000, None),
        ];
        let summary = Summary::of(&all.iter().collect::<Vec<_>>());
        assert_eq!((summary.solved, summary.total_valid), (2, 3));
        assert_eq!(summary.planning_us.unwrap().max, 5.0);
        assert_eq!(summary.path_length_rad.unwrap().mean, 1.0);
        assert_eq!(summary.invalid_paths, Some(1));
        assert_eq!(
            summary.complaints,
            ["cage 4: the path touches something on edge 0", "cage 4: no path after 7 iterations"]
        );
        let json = serde_json::to_value(&summary).unwrap();
        assert!(json.get("timing_us").is_none() && json.get("limit_violations").is_none());
    }
}
