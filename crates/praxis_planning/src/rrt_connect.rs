use crate::joint_space::{check_endpoint, distance};
use crate::regions::Regions;
use crate::sampler::Sampler;
use crate::tree::Tree;
use crate::{Budget, Endpoint, JointSpace, PlanError};

/// Steps that are looked at together once a search has gone on a little.
const MOST_PROPOSALS: usize = 16;
/// Samples that are drawn for them at most.
const MOST_SAMPLES: u32 = 256;

/// A tree that has not grown for so many rounds takes shorter steps every second time: where it
/// stands tightly there is no room for others.
const BARREN_ROUNDS: u32 = 512;
/// Length of the shorter steps, as a share of the others'.
const SHORT_SHARE: f64 = 0.25;

/// How RRT-Connect searches.
#[derive(Clone, Debug, PartialEq)]
pub struct RrtConnectConfig {
    /// Longest edge that one extension adds to a tree, in radians.
    pub max_edge_rad: f64,
    /// First reach of a node that an extension failed from, in radians: samples farther away are
    /// passed over. Infinity turns this off.
    pub first_reach_rad: f64,
    /// Share by which the reach shrinks at a failure and grows at a success.
    pub reach_change: f64,
    /// How far from start and goals most samples are drawn, in radians. Infinity has them all
    /// drawn from the whole bounds.
    pub near_margin_rad: f64,
}

impl Default for RrtConnectConfig {
    fn default() -> Self {
        Self { max_edge_rad: 1.0, first_reach_rad: 4.0, reach_change: 1e-4, near_margin_rad: 1.0 }
    }
}

/// What a search found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Waypoints from the start to one of the goals; every edge is free.
    pub path: Vec<Vec<f64>>,
    /// Which goal was reached.
    pub goal: usize,
    /// Iterations of the search; zero when the direct edge was free.
    pub iterations: u32,
    /// Configurations in both trees.
    pub nodes: usize,
}

/// Two trees, from start and goals, growing towards samples and each other (Kuffner and LaValle,
/// ICRA 2000), the smaller one first, with reaches per node as in dynamic-domain RRT (Yershova et
/// al., ICRA 2005). Keeps its memory between searches.
#[derive(Clone, Debug, Default)]
pub struct RrtConnect {
    config: RrtConnectConfig,
    from_start: Tree,
    from_goals: Tree,
    proposals: Proposals,
}

impl RrtConnect {
    /// A planner with this configuration.
    pub fn new(config: RrtConnectConfig) -> Self {
        Self { config, ..Self::default() }
    }

    /// Searches a free path from `start` to any of `goals`. One seed, one space, one path.
    ///
    /// Goals that are out of bounds or not free are left out as long as one remains; otherwise the
    /// error speaks of the first.
    pub fn plan(
        &mut self,
        space: &mut impl JointSpace,
        start: &[f64],
        goals: &[Vec<f64>],
        seed: u64,
        budget: &Budget<'_>,
    ) -> Result<Found, PlanError> {
        check_endpoint(space, Endpoint::Start, start)?;
        let goals = usable_goals(space, goals)?;
        for &(index, goal) in &goals {
            budget.check(0, 0)?;
            if space.edge_is_free(start, goal) {
                let path = vec![start.to_vec(), goal.to_vec()];
                return Ok(Found { path, goal: index, iterations: 0, nodes: 0 });
            }
        }
        let dim = space.dim();
        self.from_start.reset(dim);
        self.from_start.add_root(start);
        self.from_goals.reset(dim);
        for (_, goal) in &goals {
            self.from_goals.add_root(goal);
        }
        let ends = goals.iter().map(|(_, goal)| *goal).chain([start]);
        let regions = Regions::around(ends, self.config.near_margin_rad, space.bounds());
        self.search(space, &goals, &regions, seed, budget)
    }

    fn search(
        &mut self,
        space: &mut impl JointSpace,
        goals: &[(usize, &[f64])],
        regions: &Regions,
        seed: u64,
        budget: &Budget<'_>,
    ) -> Result<Found, PlanError> {
        let dim = space.dim();
        let mut sampler = Sampler::new(dim, seed);
        let mut step = vec![0.0; dim];
        let mut iterations = 0;
        let mut batch = 1;
        let mut barren_rounds = [0; 2];
        for round in 1.. {
            budget.check(iterations, self.nodes())?;
            let Self { config, from_start, from_goals, proposals } = self;
            let grow_start = from_start.len() <= from_goals.len();
            let (growing, waiting) =
                if grow_start { (from_start, from_goals) } else { (from_goals, from_start) };
            let region = regions.of_round(round);
            let barren = &mut barren_rounds[usize::from(grow_start)];
            *barren += 1;
            let is_short = *barren > BARREN_ROUNDS && *barren % 2 == 0;
            let edge_rad = config.max_edge_rad * if is_short { SHORT_SHARE } else { 1.0 };
            iterations += proposals.draw(batch, edge_rad, growing, &mut sampler, region);
            let free = space.free_among(&proposals.ends);
            for (k, &nearest) in proposals.nearest.iter().enumerate() {
                let end = &proposals.ends[k * dim..(k + 1) * dim];
                let is_free = free >> k & 1 == 1 && space.edge_is_free(growing.point(nearest), end);
                learn(config, growing, nearest, is_free);
                if !is_free {
                    continue;
                }
                *barren = 0;
                let reached = growing.add(end, nearest);
                if let Some(met) = connect(config, waiting, end, space, &mut step, budget) {
                    let (start_end, goal_end) =
                        if grow_start { (reached, met) } else { (met, reached) };
                    return Ok(self.found(start_end, goal_end, goals, iterations));
                }
            }
            batch = (2 * batch).min(MOST_PROPOSALS);
        }
        unreachable!("the budget ends the search")
    }

    fn nodes(&self) -> usize {
        self.from_start.len() + self.from_goals.len()
    }

    fn found(
        &self,
        start_end: u32,
        goal_end: u32,
        goals: &[(usize, &[f64])],
        iterations: u32,
    ) -> Found {
        let mut path: Vec<Vec<f64>> =
            self.from_start.branch(start_end).map(<[f64]>::to_vec).collect();
        path.reverse();
        // Both branches end at the configuration where the trees met.
        path.extend(self.from_goals.branch(goal_end).skip(1).map(<[f64]>::to_vec));
        let last = &path[path.len() - 1];
        let reached = goals.iter().find(|(_, goal)| goal == last).map_or(0, |(index, _)| *index);
        Found { path, goal: reached, iterations, nodes: self.nodes() }
    }
}

pub(crate) fn usable_goals<'a>(
    space: &mut impl JointSpace,
    goals: &'a [Vec<f64>],
) -> Result<Vec<(usize, &'a [f64])>, PlanError> {
    let mut usable = Vec::with_capacity(goals.len());
    let mut first_error = PlanError::NoGoal;
    for (index, goal) in goals.iter().enumerate() {
        match check_endpoint(space, Endpoint::Goal(index), goal) {
            Ok(()) => usable.push((index, goal.as_slice())),
            Err(error) if first_error == PlanError::NoGoal => first_error = error,
            Err(_) => {}
        }
    }
    if usable.is_empty() { Err(first_error) } else { Ok(usable) }
}

/// The next sample from where the tree can use one: within its reach of the box around it.
fn sample_within_reach(
    sampler: &mut Sampler,
    tree: &Tree,
    bounds: &[(f64, f64)],
    target: &mut [f64],
) {
    let reach = tree.most_reach();
    if reach.is_infinite() {
        return sampler.sample_into(bounds.iter().copied(), target);
    }
    let (lows, highs) = tree.around();
    let sides = lows.iter().zip(highs).zip(bounds).map(|((&low, &high), &(min, max))| {
        (min.max(f64::from(low) - reach), max.min(f64::from(high) + reach))
    });
    sampler.sample_into(sides, target);
}

/// Configurations that a tree may grow to, looked at together.
#[derive(Clone, Debug, Default)]
struct Proposals {
    /// The nodes to grow from.
    nearest: Vec<u32>,
    /// The configurations, one after the other.
    ends: Vec<f64>,
    target: Vec<f64>,
}

impl Proposals {
    /// Steps towards `count` samples, from the nearest nodes within whose reach they are. Gives the
    /// number of samples drawn.
    fn draw(
        &mut self,
        count: usize,
        edge_rad: f64,
        tree: &mut Tree,
        sampler: &mut Sampler,
        region: &[(f64, f64)],
    ) -> u32 {
        self.nearest.clear();
        self.ends.clear();
        self.target.resize(region.len(), 0.0);
        let most_reach = tree.most_reach();
        let mut samples = 0;
        while self.nearest.len() < count && samples < MOST_SAMPLES {
            samples += 1;
            sample_within_reach(sampler, tree, region, &mut self.target);
            if let Some((nearest, away)) = tree.nearest_within(&self.target, most_reach)
                && away <= tree.reach(nearest)
            {
                self.step_from(nearest, away, edge_rad, tree);
            }
        }
        if self.nearest.is_empty() {
            // With many joints the balls of reach fill next to nothing of the box around them.
            let (nearest, away) = tree.nearest(&self.target);
            self.step_from(nearest, away, edge_rad, tree);
        }
        samples
    }

    /// A step from a node towards the target, no longer than an edge may be.
    fn step_from(&mut self, node: u32, away: f64, edge_rad: f64, tree: &Tree) {
        if away > 0.0 {
            let share = (edge_rad / away).min(1.0);
            let from = tree.point(node).iter().zip(&self.target);
            self.ends.extend(from.map(|(from, to)| from + share * (to - from)));
            self.nearest.push(node);
        }
    }
}

/// Takes down whether the tree could grow from a node: its reach shrinks at a failure.
fn learn(config: &RrtConnectConfig, tree: &mut Tree, node: u32, is_free: bool) {
    let reach = tree.reach(node);
    let changed = if is_free {
        reach * (1.0 + config.reach_change)
    } else if reach.is_infinite() {
        config.first_reach_rad
    } else {
        (reach * (1.0 - config.reach_change)).max(config.max_edge_rad)
    };
    tree.set_reach(node, changed);
}

/// Steps from the nearest node to `target` as far as edges are free; the last node if it arrives.
fn connect(
    config: &RrtConnectConfig,
    tree: &mut Tree,
    target: &[f64],
    space: &mut impl JointSpace,
    step: &mut [f64],
    budget: &Budget<'_>,
) -> Option<u32> {
    let (mut at, away) = tree.nearest(target);
    let steps = (away / config.max_edge_rad).ceil().max(1.0) as usize;
    for left in (1..=steps).rev() {
        if budget.is_cancelled() {
            return None;
        }
        if left == 1 {
            step.copy_from_slice(target);
        } else {
            towards(tree.point(at), target, 1.0 / left as f64, step);
        }
        if !space.edge_is_free(tree.point(at), step) {
            return None;
        }
        at = tree.add(step, at);
    }
    debug_assert!(distance(tree.point(at), target) == 0.0);
    Some(at)
}

fn towards(from: &[f64], to: &[f64], share: f64, out: &mut [f64]) {
    for (out, (from, to)) in out.iter_mut().zip(from.iter().zip(to)) {
        *out = from + share * (to - from);
    }
}
