use serde::Serialize;

use crate::frame_latency::FrameLatency;
use crate::quantiles::Spread;

/// What came of some runs.
#[derive(Serialize)]
pub struct Outcome {
    pub success: bool,
    /// Runs that it was for, and those that succeeded.
    pub runs: u32,
    pub runs_succeeded: u32,
    pub placed: u32,
    pub total: u32,
    pub forbidden_contacts: u32,
    pub limit_violations: u32,
    pub duration_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thrusts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passed_without_stop: Option<u32>,
}

/// What came of one launch of the nodes.
#[derive(Serialize)]
pub struct Launch {
    pub seed: u32,
    #[serde(flatten)]
    pub outcome: Outcome,
    pub node_deaths: u32,
    /// Why it ended before the judge said that all was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_early: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<String>,
    #[serde(skip)]
    pub latency: FrameLatency,
}

/// What came of all of them.
#[derive(Serialize)]
pub struct Figures {
    #[serde(flatten)]
    pub outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame_to_trajectory_ms: Option<Spread>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planning_and_joining_ms: Option<Spread>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planning_ms: Option<Spread>,
    launches: Vec<Launch>,
}

impl Figures {
    /// Adds up.
    pub fn of(launches: Vec<Launch>) -> Self {
        let each = || launches.iter().map(|launch| &launch.outcome);
        let sum = |of: fn(&Outcome) -> u32| each().map(of).sum::<u32>();
        let told =
            |of: fn(&Outcome) -> Option<u32>| each().filter_map(of).reduce(|sum, next| sum + next);
        let mut latency = FrameLatency::default();
        launches.iter().for_each(|launch| latency.add(&launch.latency));
        let outcome = Outcome {
            success: !launches.is_empty() && each().all(|launch| launch.success),
            runs: sum(|launch| launch.runs),
            runs_succeeded: sum(|launch| launch.runs_succeeded),
            placed: sum(|launch| launch.placed),
            total: sum(|launch| launch.total),
            forbidden_contacts: sum(|launch| launch.forbidden_contacts),
            limit_violations: sum(|launch| launch.limit_violations),
            duration_s: each().map(|launch| launch.duration_s).sum(),
            thrusts: told(|launch| launch.thrusts),
            passed_without_stop: told(|launch| launch.passed_without_stop),
        };
        Self {
            outcome,
            frame_to_trajectory_ms: Spread::of(&latency.to_trajectory_ms),
            planning_and_joining_ms: Spread::of(&latency.planning_and_joining_ms),
            planning_ms: Spread::of(&latency.planning_ms),
            launches,
        }
    }

    /// Tells people.
    pub fn tell(&self, verb: &str) {
        let outcome = &self.outcome;
        println!(
            "{} of {} runs succeeded: {verb} {} of {}, {} forbidden contacts, {} limit violations, {:.0} s",
            outcome.runs_succeeded,
            outcome.runs,
            outcome.placed,
            outcome.total,
            outcome.forbidden_contacts,
            outcome.limit_violations,
            outcome.duration_s
        );
        if let (Some(thrusts), Some(passed)) = (outcome.thrusts, outcome.passed_without_stop) {
            println!("{passed} of {thrusts} thrusts passed without coming to rest");
        }
        for (what, spread) in [
            ("frame published to new trajectory", &self.frame_to_trajectory_ms),
            ("of which planning and joining", &self.planning_and_joining_ms),
            ("of which planning", &self.planning_ms),
        ] {
            if let Some(spread) = spread {
                println!("{what}: {spread}");
            }
        }
    }
}
