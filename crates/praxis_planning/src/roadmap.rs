use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::joint_space::{check_endpoint, distance, squared_distance};
use crate::rrt_connect::usable_goals;
use crate::sampler::Sampler;
use crate::{Budget, Endpoint, Found, JointSpace, PlanError};

/// How a roadmap grows.
#[derive(Clone, Debug, PartialEq)]
pub struct RoadmapConfig {
    /// Free configurations that a query adds at once when the roadmap does not lead to a goal.
    pub batch: usize,
    /// Most configurations that are kept; a query that needs more fails.
    pub most: usize,
}

impl Default for RoadmapConfig {
    fn default() -> Self {
        Self { batch: 200, most: 20_000 }
    }
}

/// Configurations and edges that are kept from query to query, so that a second query in the same
/// scene finds its way with few checks.
///
/// Each configuration is linked with its nearest, as many as k-PRM* asks for (Karaman and Frazzoli,
/// IJRR 30(7), 2011), so that paths come near to the shortest as the roadmap grows. Edges are checked
/// only when a search comes by them, and remembered. What is remembered holds for one scene: after a
/// change call [`Roadmap::forget`], which keeps the configurations and drops the verdicts.
#[derive(Clone, Debug)]
pub struct Roadmap {
    config: RoadmapConfig,
    pub(crate) graph: Graph,
    sampler: Option<Sampler>,
}

impl Roadmap {
    /// An empty roadmap.
    pub fn new(config: RoadmapConfig) -> Self {
        Self { config, graph: Graph::default(), sampler: None }
    }

    /// Number of configurations.
    pub fn len(&self) -> usize {
        self.graph.len()
    }

    /// Whether it holds no configuration.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Drops all that was found free or blocked: the scene has changed.
    pub fn forget(&mut self) {
        self.graph.forget();
    }

    /// Searches a free path from `start` to any of `goals`, over what is there first, then over
    /// more and more configurations until the budget ends. The seed counts in an empty roadmap.
    pub fn plan(
        &mut self,
        space: &mut impl JointSpace,
        start: &[f64],
        goals: &[Vec<f64>],
        seed: u64,
        budget: &Budget<'_>,
    ) -> Result<Found, PlanError> {
        check_endpoint(space, Endpoint::Start, start)?;
        let usable = usable_goals(space, goals)?;
        if self.graph.dim != space.dim() || self.sampler.is_none() {
            self.graph = Graph::new(space.dim());
            self.sampler = Some(Sampler::new(space.dim(), seed));
        }
        for iterations in 0.. {
            budget.check(iterations, self.len())?;
            if budget.is_late() {
                return Err(PlanError::BudgetSpent { iterations, nodes: self.len() });
            }
            let kept = self.len();
            let from = self.graph.add(start, Verdict::Free);
            let to: Vec<u32> =
                usable.iter().map(|(_, goal)| self.graph.add(goal, Verdict::Free)).collect();
            self.graph.link_all(from, &to);
            let way = self.graph.shortest(space, from, &to, f64::INFINITY, budget);
            let path = way.map(|way| self.graph.path(&way));
            self.graph.truncate(kept);
            if let Some(path) = path {
                let last = &path[path.len() - 1];
                let goal =
                    usable.iter().find(|(_, goal)| goal == last).map_or(0, |(index, _)| *index);
                return Ok(Found { path, goal, iterations, nodes: self.len() });
            }
            if kept >= self.config.most {
                return Err(PlanError::BudgetSpent { iterations, nodes: kept });
            }
            self.grow(space, self.config.batch, budget);
        }
        unreachable!("the budget ends the search")
    }

    /// Adds free configurations: `count` are drawn, those that are not free are passed over.
    pub fn grow(&mut self, space: &mut impl JointSpace, count: usize, budget: &Budget<'_>) {
        if self.graph.dim != space.dim() {
            self.graph = Graph::new(space.dim());
            self.sampler = None;
        }
        let bounds = space.bounds().to_vec();
        let sampler = self.sampler.get_or_insert_with(|| Sampler::new(space.dim(), 0));
        let mut q = vec![0.0; bounds.len()];
        for _ in 0..count {
            if budget.is_cancelled() {
                return;
            }
            sampler.sample_into(bounds.iter().copied(), &mut q);
            if space.is_free(&q) {
                self.graph.add(&q, Verdict::Free);
            }
        }
    }
}

/// What is known of a configuration or an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Unknown,
    Free,
    Blocked,
}

#[derive(Clone, Debug)]
struct Edge {
    ends: [u32; 2],
    length: f64,
    verdict: Verdict,
}

/// Configurations, each linked with its nearest.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    pub(crate) dim: usize,
    points: Vec<f64>,
    verdicts: Vec<Verdict>,
    edges: Vec<Edge>,
    links: Vec<Vec<u32>>,
    nearest: Vec<(f64, u32)>,
}

impl Graph {
    pub(crate) fn new(dim: usize) -> Self {
        Self { dim, ..Self::default() }
    }

    pub(crate) fn len(&self) -> usize {
        self.verdicts.len()
    }

    pub(crate) fn point(&self, index: u32) -> &[f64] {
        let start = index as usize * self.dim;
        &self.points[start..start + self.dim]
    }

    fn forget(&mut self) {
        self.verdicts.fill(Verdict::Unknown);
        self.edges.iter_mut().for_each(|edge| edge.verdict = Verdict::Unknown);
    }

    /// Adds a configuration and its edges to the nearest ones, unchecked.
    pub(crate) fn add(&mut self, q: &[f64], verdict: Verdict) -> u32 {
        let index = self.len() as u32;
        let mut nearest = std::mem::take(&mut self.nearest);
        nearest.clear();
        nearest.extend((0..index).map(|other| (squared_distance(self.point(other), q), other)));
        let count = neighbours(self.len() + 1, self.dim).min(nearest.len());
        if count < nearest.len() && count > 0 {
            nearest.select_nth_unstable_by(count - 1, |a, b| a.0.total_cmp(&b.0));
        }
        self.points.extend_from_slice(q);
        self.verdicts.push(verdict);
        self.links.push(Vec::with_capacity(count));
        for &(squared, other) in &nearest[..count] {
            self.link(index, other, squared.sqrt(), Verdict::Unknown);
        }
        self.nearest = nearest;
        index
    }

    fn link(&mut self, a: u32, b: u32, length: f64, verdict: Verdict) {
        let edge = self.edges.len() as u32;
        self.edges.push(Edge { ends: [a, b], length, verdict });
        self.links[a as usize].push(edge);
        self.links[b as usize].push(edge);
    }

    /// Edges straight from one configuration to some others, near or not.
    pub(crate) fn link_all(&mut self, from: u32, to: &[u32]) {
        for &other in to {
            let length = distance(self.point(from), self.point(other));
            self.link(from, other, length, Verdict::Unknown);
        }
    }

    /// Adds a free path between two configurations that are there.
    pub(crate) fn add_path(&mut self, path: &[Vec<f64>], from: u32, to: u32) {
        let mut before = from;
        for (index, q) in path.iter().enumerate().skip(1) {
            let here = if index + 1 == path.len() { to } else { self.add(q, Verdict::Free) };
            let length = distance(self.point(before), self.point(here));
            self.link(before, here, length, Verdict::Free);
            before = here;
        }
    }

    /// Takes the last configurations away again, with their edges.
    fn truncate(&mut self, kept: usize) {
        let first =
            self.edges.iter().position(|edge| edge.ends.iter().any(|&e| e as usize >= kept));
        if let Some(first) = first {
            // All edges since then belong to what goes.
            self.edges.truncate(first);
            for links in &mut self.links[..kept] {
                links.retain(|&edge| (edge as usize) < first);
            }
        }
        self.points.truncate(kept * self.dim);
        self.verdicts.truncate(kept);
        self.links.truncate(kept);
    }

    pub(crate) fn path(&self, way: &[u32]) -> Vec<Vec<f64>> {
        way.iter().map(|&index| self.point(index).to_vec()).collect()
    }

    /// The shortest way of free edges that is shorter than `bound`, by A*; an edge is checked when
    /// the search would go along it (Cohen, Phillips, Likhachev, "Planning single-arm manipulations
    /// with n-arm robots", RSS 2014). Nothing too if the budget is cancelled or late meanwhile.
    pub(crate) fn shortest(
        &mut self,
        space: &mut impl JointSpace,
        from: u32,
        goals: &[u32],
        bound: f64,
        budget: &Budget<'_>,
    ) -> Option<Vec<u32>> {
        let left = |graph: &Self, index: u32| {
            let to = |&goal: &u32| distance(graph.point(index), graph.point(goal));
            goals.iter().map(to).fold(f64::INFINITY, f64::min)
        };
        let mut arrived_by: Vec<Option<u32>> = vec![None; self.len()];
        let mut settled = vec![false; self.len()];
        let mut open = BinaryHeap::new();
        open.push(Visit { estimate: left(self, from), so_far: 0.0, at: from, by: None });
        let mut looks = 0_u32;
        while let Some(Visit { so_far, at, by, .. }) = open.pop() {
            if settled[at as usize] {
                continue;
            }
            looks += 1;
            if budget.is_cancelled() || (looks.is_multiple_of(64) && budget.is_late()) {
                return None;
            }
            if by.is_some_and(|edge| !self.edge_is_free(space, edge, at)) {
                continue;
            }
            settled[at as usize] = true;
            arrived_by[at as usize] = by;
            if goals.contains(&at) {
                return Some(self.way_to(at, &arrived_by));
            }
            for &link in &self.links[at as usize] {
                let edge = &self.edges[link as usize];
                let next = edge.ends[usize::from(edge.ends[0] == at)];
                let known_bad = edge.verdict == Verdict::Blocked
                    || self.verdicts[next as usize] == Verdict::Blocked;
                if known_bad || settled[next as usize] {
                    continue;
                }
                let so_far = so_far + edge.length;
                let estimate = so_far + left(self, next);
                if estimate < bound {
                    open.push(Visit { estimate, so_far, at: next, by: Some(link) });
                }
            }
        }
        None
    }

    fn way_to(&self, goal: u32, arrived_by: &[Option<u32>]) -> Vec<u32> {
        let mut way = vec![goal];
        let mut at = goal;
        while let Some(edge) = arrived_by[at as usize] {
            let ends = self.edges[edge as usize].ends;
            at = ends[usize::from(ends[0] == at)];
            way.push(at);
        }
        way.reverse();
        way
    }

    /// Whether an edge that leads to `to` is free: asked once.
    fn edge_is_free(&mut self, space: &mut impl JointSpace, edge: u32, to: u32) -> bool {
        let Edge { ends, verdict, .. } = self.edges[edge as usize];
        if verdict != Verdict::Unknown {
            return verdict == Verdict::Free;
        }
        if self.verdicts[to as usize] == Verdict::Unknown {
            let free = space.is_free(self.point(to));
            self.verdicts[to as usize] = if free { Verdict::Free } else { Verdict::Blocked };
        }
        let free = self.verdicts[to as usize] == Verdict::Free && {
            let from = ends[usize::from(ends[0] == to)];
            space.edge_is_free(self.point(from), self.point(to))
        };
        self.edges[edge as usize].verdict = if free { Verdict::Free } else { Verdict::Blocked };
        free
    }
}

/// Nearest neighbours that k-PRM* asks for among `count` configurations.
fn neighbours(count: usize, dim: usize) -> usize {
    let share = std::f64::consts::E * (1.0 + 1.0 / dim.max(1) as f64);
    (share * (count as f64).ln()).ceil().max(1.0) as usize
}

/// A configuration that can be reached, the promising ones first.
struct Visit {
    estimate: f64,
    so_far: f64,
    at: u32,
    by: Option<u32>,
}

impl Ord for Visit {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_estimate = other.estimate.total_cmp(&self.estimate);
        by_estimate.then(self.so_far.total_cmp(&other.so_far)).then(other.at.cmp(&self.at))
    }
}

impl PartialOrd for Visit {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Visit {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Visit {}
