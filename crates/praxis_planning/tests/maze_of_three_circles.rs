//! The planner in a world too simple to be wrong: a point in a square with three round walls.

use std::sync::atomic::AtomicBool;

use praxis_planning::{
    Budget, Endpoint, JointSpace, PlanError, RrtConnect, SimplifyConfig, path_length, simplify,
};
use proptest::prelude::*;

/// Circles that overlap, so that the way from left to right leads round their ends.
const CIRCLES: [([f64; 2], f64); 3] = [([0.0, -0.9], 0.5), ([0.0, 0.0], 0.5), ([0.1, 0.8], 0.4)];

#[derive(Default)]
struct Maze {
    bounds: Vec<(f64, f64)>,
    edges_asked: usize,
}

impl Maze {
    fn new() -> Self {
        Self { bounds: vec![(-2.0, 2.0); 2], edges_asked: 0 }
    }
}

impl JointSpace for Maze {
    fn dim(&self) -> usize {
        2
    }

    fn bounds(&self) -> &[(f64, f64)] {
        &self.bounds
    }

    fn is_free(&mut self, q: &[f64]) -> bool {
        CIRCLES.iter().all(|(c, r)| (q[0] - c[0]).hypot(q[1] - c[1]) > *r)
    }

    fn edge_is_free(&mut self, a: &[f64], b: &[f64]) -> bool {
        self.edges_asked += 1;
        CIRCLES.iter().all(|(c, r)| {
            let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
            let length2 = dx * dx + dy * dy;
            let along = (c[0] - a[0]) * dx + (c[1] - a[1]) * dy;
            let t = if length2 > 0.0 { (along / length2).clamp(0.0, 1.0) } else { 0.0 };
            (a[0] + t * dx - c[0]).hypot(a[1] + t * dy - c[1]) > *r
        })
    }
}

fn plan(seed: u64) -> Vec<Vec<f64>> {
    let budget = Budget::iterations(10_000);
    let goals = [vec![1.5, 0.0]];
    RrtConnect::default().plan(&mut Maze::new(), &[-1.5, 0.0], &goals, seed, &budget).unwrap().path
}

#[test]
fn the_direct_edge_is_taken_when_it_is_free() {
    let mut maze = Maze::new();
    let goals = [vec![-1.5, 1.5]];
    let budget = Budget::iterations(1);
    let found = RrtConnect::default().plan(&mut maze, &[-1.5, 0.0], &goals, 1, &budget).unwrap();
    assert_eq!((found.iterations, maze.edges_asked), (0, 1));
}

#[test]
fn of_several_goals_the_free_ones_are_used() {
    let goals = [vec![0.0, 0.0], vec![-1.5, 1.5]];
    let budget = Budget::iterations(100);
    let found =
        RrtConnect::default().plan(&mut Maze::new(), &[-1.5, 0.0], &goals, 1, &budget).unwrap();
    assert_eq!(found.goal, 1);
}

#[test]
fn failures_say_which_end_and_by_how_much() {
    let budget = Budget::iterations(100);
    let mut planner = RrtConnect::default();
    let mut go = |start: &[f64], goal: &[f64], budget: &Budget<'_>| {
        planner.plan(&mut Maze::new(), start, &[goal.to_vec()], 1, budget).unwrap_err()
    };
    let free = [-1.5, 0.0];
    assert_eq!(go(&[0.0, 0.0], &free, &budget), PlanError::NotFree { which: Endpoint::Start });
    assert!(matches!(
        go(&free, &[1.0, 2.5], &budget),
        PlanError::OutOfBounds { which: Endpoint::Goal(0), joint: 1, excess, .. } if excess == 0.5
    ));
    assert!(matches!(go(&free, &[f64::NAN, 0.0], &budget), PlanError::NotFinite { .. }));
    assert!(matches!(go(&free, &[0.0], &budget), PlanError::LengthMismatch { .. }));
    let one = Budget::iterations(1);
    assert!(matches!(go(&free, &[1.5, 0.0], &one), PlanError::BudgetSpent { iterations: 1, .. }));
    let raised = AtomicBool::new(true);
    let cancelled = Budget { cancel: Some(&raised), ..budget };
    assert!(matches!(go(&free, &[1.5, 0.0], &cancelled), PlanError::Cancelled { .. }));
    let none = planner_without_goals();
    assert_eq!(none, PlanError::NoGoal);
}

fn planner_without_goals() -> PlanError {
    let budget = Budget::iterations(100);
    RrtConnect::default().plan(&mut Maze::new(), &[-1.5, 0.0], &[], 1, &budget).unwrap_err()
}

proptest! {
    #[test]
    fn every_path_is_free_and_simplifying_shortens_it(seed in any::<u64>()) {
        let mut path = plan(seed);
        let before = path_length(&path);
        let mut maze = Maze::new();
        let budget = Budget::iterations(1000);
        simplify(&mut maze, &mut path, &SimplifyConfig::default(), seed, &budget);
        prop_assert!(path_length(&path) <= before + 1e-12);
        // The shortest way over the top circle is 3.4 m long; a simplified one comes near it.
        prop_assert!(path_length(&path) < 4.6, "{}", path_length(&path));
        prop_assert_eq!(&path[0], &[-1.5, 0.0]);
        prop_assert_eq!(&path[path.len() - 1], &[1.5, 0.0]);
        for edge in path.windows(2) {
            prop_assert!(maze.edge_is_free(&edge[0], &edge[1]));
        }
    }

    #[test]
    fn one_seed_gives_one_path(seed in any::<u64>()) {
        prop_assert_eq!(plan(seed), plan(seed));
    }
}
