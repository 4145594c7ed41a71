use praxis_planning::distance;

use crate::plain_checker::PlainChecker;
use crate::problems::Problem;

/// Paths of the benchmark are looked at this finely (joint space, L2).
pub const SPACING_RAD: f64 = 1.0 / 512.0;
/// Ends and bounds are judged with this tolerance: the data set's own starts are rounded.
const TOLERANCE_RAD: f64 = 1e-5;

/// What is wrong with a path.
#[derive(Clone, Debug, PartialEq)]
pub enum PathFault {
    /// It does not lead from the start to a goal.
    WrongEnds,
    /// A waypoint is outside its bounds.
    OutOfBounds {
        /// Index of the joint.
        joint: usize,
        /// Its position.
        position: f64,
    },
    /// A configuration on it is not free.
    Touches {
        /// The edge, counted from 0.
        edge: usize,
    },
}

impl std::fmt::Display for PathFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::WrongEnds => write!(f, "does not lead from the start to a goal"),
            Self::OutOfBounds { joint, position } => {
                write!(f, "joint {joint} is out of bounds at {position}")
            }
            Self::Touches { edge } => write!(f, "touches something on edge {edge}"),
        }
    }
}

/// The first thing wrong with a path, if any, looked at every `spacing_rad`.
pub fn fault_of(
    path: &[Vec<f64>],
    spacing_rad: f64,
    problem: &Problem,
    bounds: &[(f64, f64)],
    checker: &mut PlainChecker<'_>,
) -> Option<PathFault> {
    let near = |a: &[f64], b: &[f64]| a.len() == b.len() && distance(a, b) < TOLERANCE_RAD;
    let leads = path.first().is_some_and(|first| near(first, &problem.start))
        && path.last().is_some_and(|last| problem.goals.iter().any(|goal| near(last, goal)));
    if !leads {
        return Some(PathFault::WrongEnds);
    }
    out_of_bounds(path, bounds).or_else(|| {
        let touches = |edge: &[Vec<f64>]| {
            let steps = (distance(&edge[0], &edge[1]) / spacing_rad).ceil().max(1.0) as usize;
            !edge_is_free(&edge[0], &edge[1], steps, problem, checker)
        };
        path.windows(2).position(touches).map(|edge| PathFault::Touches { edge })
    })
}

fn out_of_bounds(path: &[Vec<f64>], bounds: &[(f64, f64)]) -> Option<PathFault> {
    path.iter().flat_map(|q| q.iter().zip(bounds).enumerate()).find_map(
        |(joint, (&position, &(lower, upper)))| {
            let within = position >= lower - TOLERANCE_RAD && position <= upper + TOLERANCE_RAD;
            (!within).then_some(PathFault::OutOfBounds { joint, position })
        },
    )
}

fn edge_is_free(
    a: &[f64],
    b: &[f64],
    steps: usize,
    problem: &Problem,
    checker: &mut PlainChecker<'_>,
) -> bool {
    (0..=steps).all(|step| {
        let share = step as f64 / steps as f64;
        let q: Vec<f64> = a.iter().zip(b).map(|(a, b)| a + share * (b - a)).collect();
        checker.is_free(&q, &problem.obstacles)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plain_checker::tests::LEVER;
    use praxis_robot::Robot;

    /// The lever turns past a small ball at its height, or stretches over it.
    fn fault(path: &[[f64; 2]]) -> Option<PathFault> {
        let robot = Robot::from_strings(LEVER, Some(r#"<robot name="lever"/>"#)).unwrap();
        let problem: Problem = serde_json::from_str(
            r#"{"scene": "ball", "index": 1, "start": [-1.0, 0.0], "goals": [[0.5, 0.5], [1.0, 0.0]],
                "valid": true, "spheres": [{"name": "b", "center": [1, 0, 0], "radius": 0.001}]}"#,
        )
        .unwrap();
        let path: Vec<Vec<f64>> = path.iter().map(|q| q.to_vec()).collect();
        let mut checker = PlainChecker::new(&robot, &[0, 1], &robot.neutral());
        fault_of(&path, SPACING_RAD, &problem, &[(-3.0, 3.0), (0.0, 2.0)], &mut checker)
    }

    #[test]
    fn every_kind_of_fault_is_found() {
        assert_eq!(fault(&[[-1.0, 0.0], [-0.5, 0.5], [0.5, 0.5], [1.0, 0.0]]), None);
        assert_eq!(fault(&[[-1.0, 0.0], [0.5, 0.5]]), None);
        assert_eq!(
            fault(&[[-1.0, 0.0], [-0.9, 0.0], [1.0, 0.0]]),
            Some(PathFault::Touches { edge: 1 })
        );
        assert_eq!(fault(&[[-1.0, 0.0], [0.9, 0.0]]), Some(PathFault::WrongEnds));
        assert_eq!(fault(&[[-0.9, 0.0], [1.0, 0.0]]), Some(PathFault::WrongEnds));
        assert_eq!(fault(&[]), Some(PathFault::WrongEnds));
        assert_eq!(
            fault(&[[-1.0, 0.0], [-2.0, -0.1], [1.0, 0.0]]),
            Some(PathFault::OutOfBounds { joint: 1, position: -0.1 })
        );
    }
}
