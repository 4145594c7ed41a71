use crate::joint_space::{check_endpoint, distance, path_length};
use crate::rrt_connect::usable_goals;
use crate::sampler::Sampler;
use crate::{Budget, Endpoint, Found, JointSpace, PlanError};

/// A space whose free configurations are a thin part of it: samples hardly ever keep the
/// constraints by themselves and are led to where they do.
pub trait ProjectedSpace: JointSpace {
    /// Moves `q` to a configuration near to it that keeps the constraints and the bounds; false if
    /// it finds none. Collisions are asked about elsewhere.
    fn project(&mut self, q: &mut [f64]) -> bool;
}

/// How the search along constraints steps.
#[derive(Clone, Debug, PartialEq)]
pub struct ProjectedConfig {
    /// Longest edge, in radians: between its ends a straight line leaves what the constraints ask
    /// for by about its square, so this has to fit their tolerances.
    pub step_rad: f64,
    /// Random shortcuts that are tried on the path.
    pub shortcuts: u32,
}

impl Default for ProjectedConfig {
    fn default() -> Self {
        Self { step_rad: 0.1, shortcuts: 200 }
    }
}

/// A configuration that is farther than this many steps from its predecessor has been led astray.
const MOST_STEPS_PROJECTED: f64 = 2.0;
/// A step has to bring the target nearer by this share of its length at least.
const LEAST_PROGRESS: f64 = 0.05;

/// Two trees that walk towards samples and each other in small steps, each led back to the
/// constraints (CBiRRT: Berenson, Srinivasa, Ferguson, Kuffner, ICRA 2009), then shortcuts that walk
/// the same way. Every edge of the path is free. One seed, one space, one path.
pub fn plan_projected(
    space: &mut impl ProjectedSpace,
    start: &[f64],
    goals: &[Vec<f64>],
    config: &ProjectedConfig,
    seed: u64,
    budget: &Budget<'_>,
) -> Result<Found, PlanError> {
    check_endpoint(space, Endpoint::Start, start)?;
    let goals = usable_goals(space, goals)?;
    let mut from_start = Walkers::rooted_at([start]);
    let mut from_goals = Walkers::rooted_at(goals.iter().map(|(_, goal)| *goal));
    let bounds = space.bounds().to_vec();
    let mut sampler = Sampler::new(bounds.len(), seed);
    // The first walk leads straight to a goal.
    let mut target = goals[0].1.to_vec();
    for iteration in 0.. {
        let nodes = from_start.points.len() + from_goals.points.len();
        budget.check(iteration, nodes)?;
        let grow_start = iteration == 0 || from_start.points.len() <= from_goals.points.len();
        let (growing, waiting) = if grow_start {
            (&mut from_start, &mut from_goals)
        } else {
            (&mut from_goals, &mut from_start)
        };
        if iteration > 0 {
            sampler.sample_into(bounds.iter().copied(), &mut target);
        }
        let (reached, _) = growing.walk(space, &target, config, budget);
        let at = growing.points[reached].clone();
        let (met, arrived) = waiting.walk(space, &at, config, budget);
        if arrived {
            let (a, b) = if grow_start { (reached, met) } else { (met, reached) };
            let mut path = from_start.branch(a);
            path.reverse();
            path.extend(from_goals.branch(b).into_iter().skip(1));
            shorten(space, &mut path, config, &mut sampler, budget);
            let last = &path[path.len() - 1];
            let goal = goals.iter().find(|(_, goal)| goal == last).map_or(0, |(index, _)| *index);
            return Ok(Found { path, goal, iterations: iteration + 1, nodes });
        }
    }
    unreachable!("the budget ends the search")
}

/// Replaces stretches between random waypoints by shorter walks.
fn shorten(
    space: &mut impl ProjectedSpace,
    path: &mut Vec<Vec<f64>>,
    config: &ProjectedConfig,
    sampler: &mut Sampler,
    budget: &Budget<'_>,
) {
    for _ in 0..config.shortcuts {
        if path.len() < 3 || budget.is_cancelled() || budget.is_late() {
            return;
        }
        let mut pick = || (sampler.uniform() * path.len() as f64) as usize;
        let (a, b) = (pick(), pick());
        let (from, to) = (a.min(b), a.max(b));
        if to < from + 2 {
            continue;
        }
        let mut walker = Walkers::rooted_at([path[from].as_slice()]);
        let (end, arrived) = walker.walk(space, &path[to], config, budget);
        let mut way = walker.branch(end);
        way.reverse();
        if arrived && path_length(&way) < 0.999 * path_length(&path[from..=to]) {
            path.splice(from..=to, way);
        }
    }
}

/// Configurations with their parents.
struct Walkers {
    points: Vec<Vec<f64>>,
    parents: Vec<usize>,
}

impl Walkers {
    fn rooted_at<'a>(roots: impl IntoIterator<Item = &'a [f64]>) -> Self {
        let points: Vec<Vec<f64>> = roots.into_iter().map(<[f64]>::to_vec).collect();
        let parents = (0..points.len()).collect();
        Self { points, parents }
    }

    /// Walks from the nearest configuration towards `target` as far as it gets; where, and whether
    /// that is the target itself.
    fn walk(
        &mut self,
        space: &mut impl ProjectedSpace,
        target: &[f64],
        config: &ProjectedConfig,
        budget: &Budget<'_>,
    ) -> (usize, bool) {
        let away = |point: &Vec<f64>| distance(point, target);
        let nearest = (0..self.points.len())
            .min_by(|&a, &b| away(&self.points[a]).total_cmp(&away(&self.points[b])));
        let mut here = nearest.unwrap_or(0);
        loop {
            let at = &self.points[here];
            let left = distance(at, target);
            if left == 0.0 {
                return (here, true);
            }
            if budget.is_cancelled() {
                return (here, false);
            }
            if left <= config.step_rad && space.edge_is_free(at, target) {
                self.points.push(target.to_vec());
                self.parents.push(here);
                return (self.points.len() - 1, true);
            }
            let share = (config.step_rad / left).min(1.0);
            let mut next: Vec<f64> =
                at.iter().zip(target).map(|(a, t)| a + share * (t - a)).collect();
            let goes_on = space.project(&mut next)
                && distance(&next, target) < left - LEAST_PROGRESS * share * left
                && distance(&next, at) < MOST_STEPS_PROJECTED * config.step_rad
                && space.is_free(&next)
                && space.edge_is_free(at, &next);
            if !goes_on {
                return (here, false);
            }
            self.points.push(next);
            self.parents.push(here);
            here = self.points.len() - 1;
        }
    }

    /// From a configuration back to its root.
    fn branch(&self, from: usize) -> Vec<Vec<f64>> {
        let mut way = vec![self.points[from].clone()];
        let mut here = from;
        while self.parents[here] != here {
            here = self.parents[here];
            way.push(self.points[here].clone());
        }
        way
    }
}
