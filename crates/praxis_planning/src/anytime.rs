use crate::joint_space::{distance, path_length};
use crate::roadmap::{Graph, Verdict};
use crate::rrt_connect::usable_goals;
use crate::sampler::Sampler;
use crate::{
    Budget, Found, JointSpace, PlanError, RrtConnect, RrtConnectConfig, SimplifyConfig, simplify,
};

/// How the anytime planner works.
#[derive(Clone, Debug, PartialEq)]
pub struct AnytimeConfig {
    /// How the first path is searched.
    pub search: RrtConnectConfig,
    /// How each path is shortened.
    pub simplify: SimplifyConfig,
    /// Configurations drawn between two searches over the graph, at least; later a tenth of all.
    pub batch: usize,
}

impl Default for AnytimeConfig {
    fn default() -> Self {
        Self {
            search: RrtConnectConfig::default(),
            simplify: SimplifyConfig::default(),
            batch: 100,
        }
    }
}

/// Draws that one configuration may take before it is given up.
const MOST_DRAWS: usize = 64;
/// A path no longer than this share above the straight line is the shortest.
const STRAIGHT_SHARE: f64 = 1e-9;

/// Finds a path, then shorter and shorter ones until its budget ends.
///
/// The first comes from [`RrtConnect`] and [`simplify`]. Then a graph grows from configurations
/// through which a shorter path can lead (Gammell, Srinivasa, Barfoot, "Informed RRT*", IROS 2014),
/// each linked with as many neighbours as k-PRM* asks for, so that the shortest path over it comes
/// as near as one likes to the shortest there is; edges are checked only where a shorter path would
/// go. Every better path is shortened and joins the graph.
#[derive(Clone, Debug, Default)]
pub struct Anytime {
    config: AnytimeConfig,
    first: RrtConnect,
}

impl Anytime {
    /// A planner with this configuration.
    pub fn new(config: AnytimeConfig) -> Self {
        let first = RrtConnect::new(config.search.clone());
        Self { config, first }
    }

    /// The shortest path found when the budget ends: at its deadline, or after so many iterations
    /// (of the first search, and then configurations drawn). `better` hears of each path on the
    /// way, the first one included. A raised cancel flag gives [`PlanError::Cancelled`].
    ///
    /// One seed, one space, one path, unless the deadline ends the search.
    pub fn plan(
        &mut self,
        space: &mut impl JointSpace,
        start: &[f64],
        goals: &[Vec<f64>],
        seed: u64,
        budget: &Budget<'_>,
        mut better: impl FnMut(&Found),
    ) -> Result<Found, PlanError> {
        let mut best = self.first.plan(space, start, goals, seed, budget)?;
        simplify(space, &mut best.path, &self.config.simplify, seed, budget);
        better(&best);
        let usable = usable_goals(space, goals)?;
        let targets: Vec<&[f64]> = usable.iter().map(|(_, goal)| *goal).collect();
        let mut growing = Growing::new(space, start, &targets, seed);
        growing.adopt(&best.path);
        let mut length = path_length(&best.path);
        while length > growing.least_length() * (1.0 + STRAIGHT_SHARE) {
            let batch = self.config.batch.max(growing.graph.len() / 10);
            for _ in 0..batch {
                best.iterations += 1;
                match budget.check(best.iterations, growing.graph.len()) {
                    Err(PlanError::BudgetSpent { .. }) => return Ok(best),
                    Err(error) => return Err(error),
                    Ok(()) => growing.add_one(space, length),
                }
            }
            best.nodes = growing.graph.len();
            let Growing { graph, start, goals, .. } = &mut growing;
            if let Some(way) = graph.shortest(space, *start, goals, length, budget) {
                let mut path = graph.path(&way);
                simplify(space, &mut path, &self.config.simplify, seed, budget);
                length = path_length(&path);
                growing.adopt(&path);
                let last = &path[path.len() - 1];
                let reached = usable.iter().find(|(_, goal)| goal == last);
                best.goal = reached.map_or(best.goal, |(index, _)| *index);
                best.path = path;
                better(&best);
            }
        }
        Ok(best)
    }
}

/// The graph of one query.
struct Growing {
    graph: Graph,
    start: u32,
    goals: Vec<u32>,
    bounds: Vec<(f64, f64)>,
    sampler: Sampler,
    q: Vec<f64>,
}

impl Growing {
    fn new(space: &impl JointSpace, start: &[f64], goals: &[&[f64]], seed: u64) -> Self {
        let mut graph = Graph::new(space.dim());
        let start = graph.add(start, Verdict::Free);
        let goals = goals.iter().map(|goal| graph.add(goal, Verdict::Free)).collect();
        let sampler = Sampler::new(space.dim(), seed ^ 0xa17e);
        let bounds = space.bounds().to_vec();
        Self { graph, start, goals, q: vec![0.0; bounds.len()], bounds, sampler }
    }

    /// Length of the straight line to the nearest goal.
    fn least_length(&self) -> f64 {
        let to = |&goal: &u32| distance(self.graph.point(self.start), self.graph.point(goal));
        self.goals.iter().map(to).fold(f64::INFINITY, f64::min)
    }

    fn adopt(&mut self, path: &[Vec<f64>]) {
        let last = &path[path.len() - 1];
        let goal = self.goals.iter().copied().find(|&goal| self.graph.point(goal) == last);
        if let Some(goal) = goal {
            self.graph.add_path(path, self.start, goal);
        }
    }

    /// Adds a free configuration through which a path shorter than `bound` can lead, if one is
    /// drawn.
    fn add_one(&mut self, space: &mut impl JointSpace, bound: f64) {
        let near: Vec<u32> = (self.goals.iter().copied())
            .filter(|&goal| distance(self.graph.point(self.start), self.graph.point(goal)) < bound)
            .collect();
        let pick = (self.sampler.uniform() * near.len() as f64) as usize;
        let Some(&goal) = near.get(pick) else { return };
        for _ in 0..MOST_DRAWS {
            self.draw(goal, bound);
            let inside =
                self.q.iter().zip(&self.bounds).all(|(q, (min, max))| q >= min && q <= max);
            if inside {
                if space.is_free(&self.q) {
                    self.graph.add(&self.q, Verdict::Free);
                }
                return;
            }
        }
    }

    /// A point, evenly spread, of the ellipsoid of all whose distances to start and goal sum up to
    /// `bound` at most.
    fn draw(&mut self, goal: u32, bound: f64) {
        let dim = self.q.len();
        // Evenly from the unit ball: a random direction, and a radius.
        for pair in 0..dim.div_ceil(2) {
            let radius = (-2.0 * (1.0 - self.sampler.uniform()).ln()).sqrt();
            let (sin, cos) = (std::f64::consts::TAU * self.sampler.uniform()).sin_cos();
            self.q[2 * pair] = radius * cos;
            if let Some(other) = self.q.get_mut(2 * pair + 1) {
                *other = radius * sin;
            }
        }
        let length = self.q.iter().map(|x| x * x).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
        let radius = self.sampler.uniform().powf(1.0 / dim as f64) / length;
        let (start, goal) = (self.graph.point(self.start), self.graph.point(goal));
        let apart = distance(start, goal);
        let (long, short) = (0.5 * bound, 0.5 * (bound * bound - apart * apart).max(0.0).sqrt());
        for (i, x) in self.q.iter_mut().enumerate() {
            *x *= radius * if i == 0 { long } else { short };
        }
        // The reflection that takes the first axis to the direction of the goal.
        let mut normal: Vec<f64> =
            goal.iter().zip(start).map(|(g, s)| -(g - s) / apart.max(f64::MIN_POSITIVE)).collect();
        normal[0] += 1.0;
        let squared: f64 = normal.iter().map(|n| n * n).sum();
        if squared > 1e-18 {
            let along = 2.0 * normal.iter().zip(&self.q).map(|(n, x)| n * x).sum::<f64>() / squared;
            self.q.iter_mut().zip(&normal).for_each(|(x, n)| *x -= along * n);
        }
        for (x, (s, g)) in self.q.iter_mut().zip(start.iter().zip(goal)) {
            *x += 0.5 * (s + g);
        }
    }
}
