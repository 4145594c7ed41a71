use praxis_planning::{Anytime, AnytimeConfig, Budget, Found, PlanError, Roadmap, plan_projected};

use crate::arm::Arm;
use crate::constraint::PathConstraint;
use crate::planner::{Goals, MotionConfig, MotionPlanner};
use crate::request::MotionRequest;

/// How a path is searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Search {
    /// The first path, shortened.
    #[default]
    Quick,
    /// Shorter and shorter paths until the request's time budget ends.
    Improving,
    /// Over configurations that are kept from request to request, for scenes that stay the same.
    Roadmap {
        /// Has to change with the scene: what was found free in one version is free in it only.
        scene_version: u64,
    },
}

/// Iterations of the quick search before a search along constraints takes over.
const QUICK_ITERATIONS: u32 = 300;
/// Iterations of the quick search towards the nearest configurations before it goes to the others too.
const NEAREST_ITERATIONS: u32 = 20_000;

/// A roadmap and what its verdicts rest on.
#[derive(Clone, Debug)]
pub(crate) struct KeptRoadmap {
    group: String,
    scene_version: u64,
    constraints: Vec<PathConstraint>,
    /// Joints that the group does not move.
    others: Vec<f64>,
    roadmap: Roadmap,
}

impl MotionPlanner {
    /// Searches a path from the arm's start to any of some configurations. The quick search goes to
    /// those that are not the nearest too where no way leads to these.
    pub(crate) fn find(
        &mut self,
        search: Search,
        arm: &mut Arm<'_>,
        request: &MotionRequest<'_>,
        goals: &Goals,
        budget: &Budget<'_>,
    ) -> Result<Found, PlanError> {
        let (start, seed) = (arm.start().to_vec(), request.seed);
        let (all, goals) = (&goals.configurations, &goals.configurations[..goals.first]);
        if arm.is_constrained() {
            let few = Budget { max_iterations: QUICK_ITERATIONS, ..*budget };
            return match self.search.plan(arm, &start, goals, seed, &few) {
                Err(PlanError::BudgetSpent { .. }) => {
                    plan_projected(arm, &start, goals, &self.config.projected, seed, budget)
                }
                answer => answer,
            };
        }
        match search {
            Search::Quick if all.len() > goals.len() => {
                let max_iterations = budget.max_iterations.min(NEAREST_ITERATIONS);
                let few = Budget { max_iterations, ..*budget };
                match self.search.plan(arm, &start, goals, seed, &few) {
                    Err(PlanError::BudgetSpent { .. }) => {
                        self.search.plan(arm, &start, all, seed, budget)
                    }
                    answer => answer,
                }
            }
            Search::Quick => self.search.plan(arm, &start, goals, seed, budget),
            Search::Improving => {
                let config = AnytimeConfig {
                    search: self.config.search.clone(),
                    simplify: self.config.simplify.clone(),
                    ..AnytimeConfig::default()
                };
                Anytime::new(config).plan(arm, &start, goals, seed, budget, |_| {})
            }
            Search::Roadmap { scene_version } => {
                let mut others = request.start.clone();
                arm.group().iter().for_each(|&joint| others[joint] = 0.0);
                let kept =
                    kept_roadmap(&mut self.kept, &self.config, request, scene_version, others);
                kept.plan(arm, &start, goals, seed, budget)
            }
        }
    }
}

/// The roadmap for a request: the one that is kept, without its verdicts if they do not hold here.
fn kept_roadmap<'a>(
    kept: &'a mut Option<KeptRoadmap>,
    config: &MotionConfig,
    request: &MotionRequest<'_>,
    scene_version: u64,
    others: Vec<f64>,
) -> &'a mut Roadmap {
    let now = |roadmap: Roadmap| KeptRoadmap {
        group: request.group.clone(),
        scene_version,
        constraints: request.constraints.clone(),
        others,
        roadmap,
    };
    let renewed = match kept.take() {
        // Constraints may narrow the bounds in which configurations were drawn.
        Some(known) if known.group == request.group && known.constraints == request.constraints => {
            let mut next = now(known.roadmap);
            if (next.scene_version, &next.others) != (known.scene_version, &known.others) {
                next.roadmap.forget();
            }
            next
        }
        _ => now(Roadmap::new(config.roadmap.clone())),
    };
    &mut kept.insert(renewed).roadmap
}
