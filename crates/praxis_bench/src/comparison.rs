use anyhow::Result;
use praxis_planning::path_length;
use serde::Serialize;

use crate::figures::Figures;
use crate::line::Line;
use crate::peers::{self, Peer, PeerProblem, PlanningRequest};
use crate::problems::Problem;
use crate::report;
use crate::summary::{Judged, Summary};

/// A peer's figures, and ours on the same problems in proportion to them.
#[derive(Serialize)]
pub struct Comparison {
    /// Its figures.
    #[serde(flatten)]
    peer: Summary,
    /// Ours on the problems that it was given.
    ours: Summary,
    /// Its median time of search and shortening over ours, on problems that both solved: by the
    /// threads' processor clocks where both tell it, so that other programs do not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    time_factor: Option<f64>,
    /// Our cost over its cost, problem by problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    path_length_ratio: Option<Figures>,
    /// The duration of our motion over that of its motion, problem by problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    motion_duration_ratio: Option<Figures>,
}

/// Runs a peer on some of the problems and prints how it compares; nothing if it is not there.
pub fn with(
    peer: Peer,
    request: &PlanningRequest<'_>,
    ours: &[&Judged],
    judge: &mut dyn FnMut(Line) -> Result<Judged>,
) -> Result<Option<Comparison>> {
    let script = format!("{}_planning.py", peer.name());
    let Some(lines) = peers::answers::<Line>(&script, request)? else {
        let yardstick = match peer {
            Peer::Vamp => "; the figures in the README of the problems are the yardstick",
            _ => "",
        };
        println!("\n{}: cannot be imported, so it is not measured{yardstick}", peer.name());
        return Ok(None);
    };
    let theirs: Vec<Judged> = lines.into_iter().map(judge).collect::<Result<_>>()?;
    let comparison = Comparison::of(&theirs, ours);
    comparison.print(peer);
    Ok(Some(comparison))
}

impl Comparison {
    fn of(theirs: &[Judged], ours: &[&Judged]) -> Self {
        let pairs: Vec<(&Line, &Line)> = theirs
            .iter()
            .filter_map(|their| {
                let same = |our: &&&Judged| {
                    (&our.line.scene, our.line.index) == (&their.line.scene, their.line.index)
                };
                let our = ours.iter().find(same)?;
                (their.line.solved && our.line.solved).then_some((&our.line, &their.line))
            })
            .collect();
        let median = |time: &dyn Fn(&(&Line, &Line)) -> Option<u64>| {
            Some(Figures::of(pairs.iter().filter_map(time).map(|ns| ns as f64))?.median)
        };
        let wall = |line: &Line| Some(line.plan_ns? + line.simplify_ns?);
        let cpu = |line: &Line| Some(line.plan_cpu_ns? + line.simplify_cpu_ns?);
        let of_both = |spent: &dyn Fn(&Line) -> Option<u64>| {
            let their_ns = median(&|(_, their)| spent(their))?;
            Some(their_ns / median(&|(our, _)| spent(our))?)
        };
        let length = |line: &Line| (!line.path.is_empty()).then(|| path_length(&line.path));
        let ratio = |value: &dyn Fn(&Line) -> Option<f64>| {
            let quotient = |(our, their): &(&Line, &Line)| Some(value(our)? / value(their)?);
            Figures::of(pairs.iter().filter_map(quotient).filter(|ratio| ratio.is_finite()))
        };
        Self {
            peer: Summary::of(&theirs.iter().collect::<Vec<_>>()),
            ours: Summary::of(ours),
            time_factor: of_both(&cpu).or_else(|| of_both(&wall)),
            path_length_ratio: ratio(&length),
            motion_duration_ratio: ratio(&|line| line.motion_duration_s),
        }
    }

    fn print(&self, peer: Peer) {
        report::print(&format!("peer {}", peer.name()), &self.peer);
        for complaint in &self.peer.complaints {
            println!("  {complaint}");
        }
        report::print("  praxis on the same problems", &self.ours);
        if let Some(factor) = self.time_factor {
            println!(
                "  plan + simplify: {} takes {factor:.1} times as long (medians)",
                peer.name()
            );
        }
        if let Some(ratio) = &self.path_length_ratio {
            println!("  cost, praxis over {}: median {:.3}", peer.name(), ratio.median);
        }
        if let Some(ratio) = &self.motion_duration_ratio {
            println!("  motion, praxis over {}: median {:.3}", peer.name(), ratio.median);
        }
    }
}

/// A problem as a peer reads it, with the path that we found.
pub fn for_peer<'a>(problem: &'a Problem, ours: &'a Judged) -> PeerProblem<'a> {
    PeerProblem {
        scene: &problem.scene,
        index: problem.index,
        start: &problem.start,
        goals: &problem.goals,
        obstacles: &problem.obstacles,
        path: &ours.line.path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn solved(index: u32, plan_ns: u64, end: f64, duration_s: f64) -> Judged {
        let line = Line {
            index,
            solved: true,
            plan_ns: Some(plan_ns),
            simplify_ns: Some(0),
            path: vec![vec![0.0], vec![end]],
            motion_duration_s: Some(duration_s),
            ..Line::default()
        };
        Judged { line, fault: None, motion: None }
    }

    #[test]
    fn only_what_both_solved_is_compared() {
        let ours = [solved(1, 10, 2.0, 3.0), solved(2, 1000, 50.0, 9.0)];
        let mut unsolved = solved(2, 1, 1.0, 1.0);
        unsolved.line.solved = false;
        let theirs = [unsolved, solved(1, 40, 4.0, 2.0)];
        let comparison = Comparison::of(&theirs, &ours.iter().collect::<Vec<_>>());
        assert_eq!(comparison.time_factor, Some(4.0));
        assert_eq!(comparison.path_length_ratio.unwrap().median, 0.5);
        assert_eq!(comparison.motion_duration_ratio.unwrap().max, 1.5);
        assert_eq!((comparison.peer.solved, comparison.ours.solved), (1, 2));
    }
}
