use crate::joint_space::{check_endpoint, distance};
use crate::sampler::Sampler;
use crate::tree::Tree;
use crate::{Budget, Endpoint, JointSpace, PlanError};

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
}

impl Default for RrtConnectConfig {
    fn default() -> Self {
        Self { max_edge_rad: 1.0, first_reach_rad: 2.5, reach_change: 1e-4 }
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
        self.search(space, &goals, seed, budget)
    }

    fn search(
        &mut self,
        space: &mut impl JointSpace,
        goals: &[(usize, &[f64])],
        seed: u64,
        budget: &Budget<'_>,
    ) -> Result<Found, PlanError> {
        let dim = space.dim();
        let bounds = space.bounds().to_vec();
        let mut sampler = Sampler::new(dim, seed);
        let mut target = vec![0.0; dim];
        let mut step = vec![0.0; dim];
        for iteration in 0.. {
            budget.check(iteration, self.nodes())?;
            let grow_start = self.from_start.len() <= self.from_goals.len();
            let (growing, waiting) = if grow_start {
                (&mut self.from_start, &mut self.from_goals)
            } else {
                (&mut self.from_goals, &mut self.from_start)
            };
            sample_within_reach(&mut sampler, growing, &bounds, &mut target);
            let Some(reached) = extend(&self.config, growing, &target, space, &mut step) else {
                continue;
            };
            target.copy_from_slice(growing.point(reached));
            if let Some(met) = connect(&self.config, waiting, &target, space, &mut step, budget) {
                let (start_end, goal_end) =
                    if grow_start { (reached, met) } else { (met, reached) };
                return Ok(self.found(start_end, goal_end, goals, iteration + 1));
            }
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

/// One step from the nearest node towards `target`; the new node, if the edge is free.
fn extend(
    config: &RrtConnectConfig,
    tree: &mut Tree,
    target: &[f64],
    space: &mut impl JointSpace,
    step: &mut [f64],
) -> Option<u32> {
    let (nearest, away) = tree.nearest_within(target, tree.most_reach())?;
    if away > tree.reach(nearest) || away == 0.0 {
        return None;
    }
    let share = (config.max_edge_rad / away).min(1.0);
    towards(tree.point(nearest), target, share, step);
    let reach = tree.reach(nearest);
    if space.edge_is_free(tree.point(nearest), step) {
        tree.set_reach(nearest, reach * (1.0 + config.reach_change));
        Some(tree.add(step, nearest))
    } else {
        let shrunk = if reach.is_infinite() {
            config.first_reach_rad
        } else {
            (reach * (1.0 - config.reach_change)).max(config.max_edge_rad)
        };
        tree.set_reach(nearest, shrunk);
        None
    }
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
