use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Args;
use praxis_geometry::Pose;
use praxis_robot::{IkSolver, Robot};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::figures::Figures;
use crate::peers;
use crate::planning::write;
use crate::stopwatch::timed;

/// A solution brings the link this near to its pose, metres and radians.
const TOLERANCE: f64 = 1e-6;
/// Random configurations that the solver may start from after the first.
const RESTARTS: u32 = 100;

/// Options of `bench ik`.
#[derive(Args)]
pub struct Options {
    /// Robot description; `panda_spherized.urdf` of the folder of problems if not given.
    #[arg(long)]
    urdf: Option<PathBuf>,
    /// Its groups; `panda.srdf` of the folder of problems if not given.
    #[arg(long)]
    srdf: Option<PathBuf>,
    /// Folder with the Panda's descriptions.
    #[arg(long, env = "PRAXIS_BENCH_DIR")]
    problems: Option<PathBuf>,
    /// Which group moves; the first if not given.
    #[arg(long)]
    group: Option<String>,
    /// How many poses.
    #[arg(long, default_value_t = 1000)]
    poses: usize,
    /// Rounds; of each pose's times the best counts.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Seed of the poses and of the solver.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Peers that run after us on the same poses.
    #[arg(long, value_delimiter = ',')]
    peer: Vec<IkPeer>,
    /// File for the figures.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
enum IkPeer {
    /// RoboPlan's SimpleIk.
    Roboplan,
}

/// A pose that some configuration reaches, and another configuration to start from.
struct Task {
    root_from_link: Pose,
    seed: Vec<f64>,
}

/// What a solver made of a task.
#[derive(Clone, Debug, Deserialize)]
struct Answer {
    /// The configuration, if it found one.
    q: Option<Vec<f64>>,
    /// Time that it took.
    ns: u64,
}

/// What a script reads.
#[derive(Serialize)]
struct Request<'a> {
    urdf: &'a str,
    srdf: &'a str,
    joints: Vec<&'a str>,
    root: &'a str,
    link: &'a str,
    tolerance: f64,
    rounds: u32,
    seed: u64,
    /// Rows of the homogeneous matrix, and the configuration to start from.
    tasks: Vec<([[f64; 4]; 4], &'a [f64])>,
}

/// Figures of one solver.
#[derive(Debug, PartialEq, Serialize)]
struct Summary {
    solved: usize,
    total: usize,
    /// Of all poses, failed ones included.
    #[serde(skip_serializing_if = "Option::is_none")]
    ik_us: Option<Figures>,
}

/// What `--json` writes.
#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    ours: Summary,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<Summary>,
}

/// Solves random reachable poses and says how many, and how fast.
pub fn run(options: &Options) -> Result<()> {
    let (urdf, srdf) = options.texts()?;
    let robot = Robot::from_strings(&urdf, Some(&srdf))?;
    let group = match &options.group {
        Some(name) => robot.group(name)?,
        None => robot.groups().first().context("the SRDF has no group")?,
    };
    let chain = Chain { robot: &robot, joints: &group.joints, link: group.tip_link };
    let tasks = chain.random_tasks(options.poses, options.seed)?;
    println!(
        "{} poses of {} by {} joints, to {TOLERANCE:e} m and rad; best of {} rounds, seed {}",
        tasks.len(),
        robot.links()[chain.link].name,
        chain.joints.len(),
        options.rounds,
        options.seed
    );
    let ours = chain.judge(&tasks, &chain.solve(&tasks, options.rounds, options.seed));
    ours.print("praxis");
    let mut peer = None;
    if options.peer.contains(&IkPeer::Roboplan) {
        let request = Request {
            urdf: &urdf,
            srdf: &srdf,
            joints: chain.joints.iter().map(|&j| robot.joints()[j].name.as_str()).collect(),
            root: robot.root_link(),
            link: &robot.links()[chain.link].name,
            tolerance: TOLERANCE,
            rounds: options.rounds,
            seed: options.seed,
            tasks: tasks.iter().map(|t| (rows(&t.root_from_link), t.seed.as_slice())).collect(),
        };
        match peers::answers::<Answer>("roboplan_ik.py", &request)? {
            Some(answers) => {
                let theirs = chain.judge(&tasks, &answers);
                theirs.print("roboplan SimpleIk");
                peer = Some(theirs);
            }
            None => println!("roboplan: cannot be imported, so it is not measured"),
        }
    }
    if let Some(path) = &options.json {
        write(path, serde_json::to_string_pretty(&Report { ours, peer })?)?;
    }
    Ok(())
}

impl Options {
    fn texts(&self) -> Result<(String, String)> {
        let text = |given: &Option<PathBuf>, name: &str| {
            let in_folder = || self.problems.as_ref().map(|folder| folder.join(name));
            let path = given.clone().or_else(in_folder);
            let path = path.context("--urdf and --srdf, or --problems, are missing")?;
            std::fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))
        };
        Ok((text(&self.urdf, "panda_spherized.urdf")?, text(&self.srdf, "panda.srdf")?))
    }
}

/// Joints that bring a link somewhere.
struct Chain<'a> {
    robot: &'a Robot,
    joints: &'a [usize],
    link: usize,
}

impl Chain<'_> {
    fn random_tasks(&self, count: usize, seed: u64) -> Result<Vec<Task>> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let bounds: Vec<(f64, f64)> = self
            .joints
            .iter()
            .map(|&joint| {
                let joint = &self.robot.joints()[joint];
                let pi = std::f64::consts::PI;
                if joint.lower.is_finite() { (joint.lower, joint.upper) } else { (-pi, pi) }
            })
            .collect();
        ensure!(!bounds.is_empty(), "the group has no joints");
        let mut draw = || bounds.iter().map(|&(lo, hi)| random.random_range(lo..=hi)).collect();
        let task = |_| {
            let there: Vec<f64> = draw();
            Task { root_from_link: self.pose_at(&there), seed: draw() }
        };
        Ok((0..count).map(task).collect())
    }

    fn pose_at(&self, q: &[f64]) -> Pose {
        let mut state = self.robot.neutral();
        for (&joint, &value) in self.joints.iter().zip(q) {
            state[joint] = value;
        }
        self.robot.link_pose(self.link, &state)
    }

    fn solve(&self, tasks: &[Task], rounds: u32, seed: u64) -> Vec<Answer> {
        let state = self.robot.neutral();
        let mut solver = IkSolver::new(self.robot, self.joints, self.link, &state, None);
        let mut best: Vec<Answer> = Vec::new();
        for _ in 0..rounds {
            for (index, task) in tasks.iter().enumerate() {
                let (found, spent) =
                    timed(|| solver.solve(&task.root_from_link, &task.seed, RESTARTS, seed));
                match best.get_mut(index) {
                    Some(answer) => answer.ns = answer.ns.min(spent.wall_ns),
                    None => best.push(Answer { q: found.ok(), ns: spent.wall_ns }),
                }
            }
        }
        best
    }

    /// Counts what forward kinematics confirms, within the joints' limits.
    fn judge(&self, tasks: &[Task], answers: &[Answer]) -> Summary {
        let arrives = |task: &Task, q: &[f64]| {
            let here = self.pose_at(q);
            let (way, turn) = (
                here.translation.vector - task.root_from_link.translation.vector,
                here.rotation.angle_to(&task.root_from_link.rotation),
            );
            way.norm() <= TOLERANCE && turn <= TOLERANCE && self.within_limits(q)
        };
        let solved = tasks
            .iter()
            .zip(answers)
            .filter(|(task, answer)| answer.q.as_ref().is_some_and(|q| arrives(task, q)))
            .count();
        let ik_us = Figures::of(answers.iter().map(|answer| answer.ns as f64 * 1e-3));
        Summary { solved, total: tasks.len(), ik_us }
    }

    fn within_limits(&self, q: &[f64]) -> bool {
        q.len() == self.joints.len()
            && self.joints.iter().zip(q).all(|(&joint, &value)| {
                let joint = &self.robot.joints()[joint];
                value >= joint.lower - 1e-9 && value <= joint.upper + 1e-9
            })
    }
}

impl Summary {
    fn print(&self, name: &str) {
        let Self { solved, total, ik_us } = self;
        let share = 100.0 * *solved as f64 / (*total).max(1) as f64;
        print!("{name:20} {solved} of {total} solved ({share:.1} %)");
        match ik_us {
            Some(Figures { median, mean, p95, max }) => {
                println!("; µs: median {median:.1}, mean {mean:.1}, p95 {p95:.1}, max {max:.1}")
            }
            None => println!(),
        }
    }
}

fn rows(pose: &Pose) -> [[f64; 4]; 4] {
    let matrix = pose.to_homogeneous();
    [0, 1, 2, 3].map(|row| [0, 1, 2, 3].map(|column| matrix[(row, column)]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plain_checker::tests::LEVER;

    #[test]
    fn only_answers_that_arrive_count() {
        let robot = Robot::from_strings(LEVER, Some(r#"<robot name="lever"/>"#)).unwrap();
        let chain =
            Chain { robot: &robot, joints: &[0, 1], link: robot.link_index("arm").unwrap() };
        let tasks = chain.random_tasks(2, 1).unwrap();
        let good = chain.solve(&tasks, 1, 1);
        let summary = chain.judge(&tasks, &good);
        assert_eq!((summary.solved, summary.total), (2, 2));
        let mut near = good.clone();
        near[0].q.as_mut().unwrap()[1] += 2e-6;
        near[1].q = None;
        assert_eq!(chain.judge(&tasks, &near).solved, 0);
    }
}
