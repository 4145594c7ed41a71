//! The planners that go on: towards the shortest path, from query to query, along constraints.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use praxis_planning::{
    Anytime, Budget, JointSpace, PlanError, ProjectedConfig, ProjectedSpace, Roadmap,
    RoadmapConfig, path_length, plan_projected,
};
use proptest::prelude::*;

/// A square with discs in it.
struct Discs {
    bounds: Vec<(f64, f64)>,
    discs: Vec<([f64; 2], f64)>,
    edges_asked: usize,
    /// A flag that is raised with the edge of this number, and a count of edges.
    cancel: Option<(usize, &'static AtomicBool, &'static AtomicUsize)>,
}

impl Discs {
    fn new(discs: &[([f64; 2], f64)]) -> Self {
        let bounds = vec![(-3.0, 3.0); 2];
        Self { bounds, discs: discs.to_vec(), edges_asked: 0, cancel: None }
    }
}

fn to_segment(p: [f64; 2], a: &[f64], b: &[f64]) -> f64 {
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    let along = (p[0] - a[0]) * dx + (p[1] - a[1]) * dy;
    let t = (along / (dx * dx + dy * dy).max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
    (a[0] + t * dx - p[0]).hypot(a[1] + t * dy - p[1])
}

impl JointSpace for Discs {
    fn dim(&self) -> usize {
        2
    }
    fn bounds(&self) -> &[(f64, f64)] {
        &self.bounds
    }
    fn is_free(&mut self, q: &[f64]) -> bool {
        self.discs.iter().all(|(c, r)| (q[0] - c[0]).hypot(q[1] - c[1]) > *r)
    }
    fn edge_is_free(&mut self, a: &[f64], b: &[f64]) -> bool {
        self.edges_asked += 1;
        if let Some((at, flag, asked)) = self.cancel {
            asked.store(self.edges_asked, Ordering::Relaxed);
            if self.edges_asked >= at {
                flag.store(true, Ordering::Relaxed);
            }
        }
        self.discs.iter().all(|(c, r)| to_segment(*c, a, b) > *r)
    }
}

fn assert_free(space: &mut Discs, path: &[Vec<f64>]) {
    assert!(path.windows(2).all(|edge| space.edge_is_free(&edge[0], &edge[1])), "{path:?}");
}

const START: [f64; 2] = [-2.0, 0.0];

/// Round a disc of radius 1 between (-2, 0) and (2, 0): two tangents and an arc.
fn shortest_round_the_disc() -> f64 {
    2.0 * 3.0_f64.sqrt() + std::f64::consts::PI - 2.0 * (0.5_f64).acos()
}

#[test]
fn the_anytime_planner_comes_nearer_and_nearer_to_the_shortest_path() {
    let go = |iterations: u32| {
        let mut space = Discs::new(&[([0.0, 0.0], 1.0)]);
        let budget = Budget::iterations(iterations);
        let mut lengths = Vec::new();
        let hear = |found: &praxis_planning::Found| lengths.push(path_length(&found.path));
        let goals = [vec![2.0, 0.0]];
        let found = Anytime::default().plan(&mut space, &START, &goals, 3, &budget, hear).unwrap();
        assert_free(&mut space, &found.path);
        assert!(lengths.windows(2).all(|pair| pair[1] < pair[0]), "{lengths:?}");
        assert_eq!(lengths.last().copied(), Some(path_length(&found.path)));
        (lengths.len(), path_length(&found.path))
    };
    let shortest = shortest_round_the_disc();
    let (_, few) = go(200);
    let (improvements, many) = go(6000);
    assert!(many >= shortest - 1e-9 && many <= few, "{shortest} {many} {few}");
    assert!(many < 1.003 * shortest, "{many} for {shortest}");
    assert!(improvements > 1);
}

#[test]
fn a_nearer_goal_is_found_later_on() {
    // The first path may lead to any goal; in the end it leads to the one with the shortest way.
    let mut space = Discs::new(&[([0.0, 0.0], 1.0)]);
    let goals = [vec![2.5, 2.5], vec![0.0, 1.3], vec![2.5, -2.5]];
    let budget = Budget::iterations(3000);
    let found = Anytime::default().plan(&mut space, &START, &goals, 8, &budget, |_| {}).unwrap();
    assert_eq!(found.goal, 1);
}

#[test]
fn a_straight_way_ends_the_search_at_once() {
    let mut space = Discs::new(&[]);
    let budget = Budget::iterations(u32::MAX);
    let found =
        Anytime::default().plan(&mut space, &START, &[vec![2.0, 0.0]], 1, &budget, |_| {}).unwrap();
    assert_eq!(found.path.len(), 2);
}

/// Forty discs that leave no gap around the origin.
fn ring() -> Vec<([f64; 2], f64)> {
    let disc = |k: i32| {
        let angle = f64::from(k) * std::f64::consts::TAU / 40.0;
        ([angle.cos(), angle.sin()], 0.2)
    };
    (0..40).map(disc).collect()
}

#[test]
fn a_raised_flag_stops_every_planner_within_a_few_edges() {
    type Run = fn(&mut Discs, &Budget<'_>) -> PlanError;
    let planners: [Run; 3] = [
        |space, budget| {
            let goals = [vec![2.0, 0.0]];
            Anytime::default().plan(space, &START, &goals, 1, budget, |_| {}).unwrap_err()
        },
        |space, budget| {
            space.discs = ring();
            let mut roadmap = Roadmap::new(RoadmapConfig::default());
            roadmap.plan(space, &START, &[vec![0.0, 0.0]], 1, budget).unwrap_err()
        },
        |space, budget| {
            space.discs = ring();
            let mut space =
                OnCircle { inner: std::mem::replace(space, Discs::new(&[])), most: 9.0 };
            let config = ProjectedConfig::default();
            let goals = [vec![0.0, 0.0]];
            plan_projected(&mut space, &START, &goals, &config, 1, budget).unwrap_err()
        },
    ];
    for run in planners {
        for at in [1, 40, 300] {
            let flag: &'static AtomicBool = Box::leak(Box::new(AtomicBool::new(false)));
            let asked: &'static AtomicUsize = Box::leak(Box::new(AtomicUsize::new(0)));
            let mut space = Discs::new(&[([0.0, 0.0], 1.0)]);
            space.cancel = Some((at, flag, asked));
            let budget = Budget { cancel: Some(flag), ..Budget::iterations(1_000_000) };
            let error = run(&mut space, &budget);
            assert!(matches!(error, PlanError::Cancelled { .. }), "{error}");
            let after = asked.load(Ordering::Relaxed) - at;
            assert!(after <= 40, "{after} edges after the flag");
        }
    }
}

#[test]
fn a_roadmap_asks_for_less_in_the_same_scene_and_holds_in_a_changed_one() {
    let discs = [([0.0, -0.9], 0.5), ([0.0, 0.0], 0.5), ([0.1, 0.8], 0.4)];
    let mut space = Discs::new(&discs);
    let budget = Budget::iterations(100);
    let mut roadmap = Roadmap::new(RoadmapConfig { batch: 300, ..RoadmapConfig::default() });
    let ask = |space: &mut Discs, roadmap: &mut Roadmap, goal: [f64; 2]| {
        space.edges_asked = 0;
        let found = roadmap.plan(space, &START, &[goal.to_vec()], 4, &budget).unwrap();
        let asked = space.edges_asked;
        assert_free(space, &found.path);
        assert_eq!(
            (&found.path[0][..], &found.path[found.path.len() - 1][..]),
            (&START[..], &goal[..])
        );
        (asked, path_length(&found.path))
    };
    let (first, length) = ask(&mut space, &mut roadmap, [2.0, 0.0]);
    let (second, again) = ask(&mut space, &mut roadmap, [2.0, 0.0]);
    assert!(second < first, "{second} edges after {first}");
    assert!(again <= length + 1e-12);
    let size = roadmap.len();
    // A wall comes into the way that was found; the configurations stay.
    space.discs.extend([([0.0, 1.6], 0.5), ([0.0, 2.2], 0.5), ([0.0, 2.8], 0.5)]);
    roadmap.forget();
    let (_, longer) = ask(&mut space, &mut roadmap, [2.0, 0.0]);
    assert!(longer > length, "{longer} {length}");
    assert!(roadmap.len() >= size);
    space.discs.push(([0.0, -2.0], 1.2));
    roadmap.forget();
    let error = roadmap.plan(&mut space, &START, &[vec![2.0, 0.0]], 4, &Budget::iterations(5));
    assert!(matches!(error.unwrap_err(), PlanError::BudgetSpent { iterations: 5, .. }));
}

/// Only what lies near the circle of radius 2 is allowed.
struct OnCircle {
    inner: Discs,
    most: f64,
}

impl OnCircle {
    fn keeps(&self, q: &[f64]) -> bool {
        (q[0].hypot(q[1]) - 2.0).abs() <= self.most
    }
}

impl JointSpace for OnCircle {
    fn dim(&self) -> usize {
        2
    }
    fn bounds(&self) -> &[(f64, f64)] {
        &self.inner.bounds
    }
    fn is_free(&mut self, q: &[f64]) -> bool {
        self.keeps(q) && self.inner.is_free(q)
    }
    fn edge_is_free(&mut self, a: &[f64], b: &[f64]) -> bool {
        let at = |k: u32| -> Vec<f64> {
            a.iter().zip(b).map(|(a, b)| a + f64::from(k) / 20.0 * (b - a)).collect()
        };
        (0..=20).all(|k| self.keeps(&at(k))) && self.inner.edge_is_free(a, b)
    }
}

impl ProjectedSpace for OnCircle {
    fn project(&mut self, q: &mut [f64]) -> bool {
        let radius = q[0].hypot(q[1]);
        if self.most < 1.0 {
            q.iter_mut().for_each(|x| *x *= 2.0 / radius);
        }
        radius > 1e-3
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_path_along_a_constraint_keeps_it_everywhere(seed in any::<u64>()) {
        // One side of the circle is blocked, the other is free.
        let mut space = OnCircle { inner: Discs::new(&[([0.0, 2.0], 0.7)]), most: 2e-3 };
        let budget = Budget::iterations(20_000);
        let config = ProjectedConfig::default();
        let goals = [vec![2.0, 0.0]];
        let found = plan_projected(&mut space, &START, &goals, &config, seed, &budget).unwrap();
        prop_assert_eq!(&found.path[0], &START);
        prop_assert_eq!(&found.path[found.path.len() - 1], &goals[0]);
        for edge in found.path.windows(2) {
            prop_assert!(space.edge_is_free(&edge[0], &edge[1]));
        }
        let length = path_length(&found.path);
        prop_assert!(length < 1.02 * std::f64::consts::TAU, "half the circle is {length} long");
        let again = plan_projected(&mut space, &START, &goals, &config, seed, &budget).unwrap();
        prop_assert_eq!(again, found);
    }
}
