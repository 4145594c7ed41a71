use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::beside::{self, Figures, SortingBeside};
use crate::build::ROS_CRATES;
use crate::{bench, bring, build, domain, environment, places, setup};

/// Options of `test`.
#[derive(Args)]
pub struct Options {
    /// One part: a crate, a file of `tests/ros` without its ending, or one of `format`, `hashes`,
    /// `algorithms_know_no_ros`, `algorithms`, `inspect_graph`, `survive_kill`, `random_weights`;
    /// `lint`, `demo`, `robots` (minutes of fitting spheres), `new_robots` (a configuration and a
    /// demo for each of five robots), `colcon` (a build from a clean workspace), `two_machines` (two
    /// network namespaces; needs root) and `pretrained` (180 MB of networks) run only when asked for.
    #[arg(long)]
    only: Option<String>,
}

/// What runs beside the demo; the table must get sorted all the same.
struct Part {
    name: &'static str,
    script: &'static str,
    arguments: &'static [&'static str],
    seed: u32,
    /// A driver whose controller was killed brakes blindly and may touch something.
    may_touch: bool,
}

const BESIDE_A_DEMO: [Part; 2] = [
    Part {
        name: "inspect_graph",
        script: "inspect_graph",
        arguments: &["--move"],
        seed: 1,
        may_touch: false,
    },
    Part {
        name: "survive_kill",
        script: "faults",
        arguments: &["kill_planning", "kill_control", "kill_perception", "kill_task"],
        seed: 2,
        may_touch: true,
    },
];
/// Simulated seconds that a network with random weights gets; the trained one has placed three
/// objects by then.
const RANDOM_WEIGHTS_TIME_S: &str = "time_limit_s:=40.0";

#[derive(Default)]
struct Count {
    passed: u32,
    failed: u32,
}

impl Count {
    fn add(&mut self, what: &str, passed: u32, failed: u32) {
        println!("--- {what}: {passed} passed, {failed} failed");
        self.passed += passed;
        self.failed += failed;
    }
}

/// Sets up, runs every part (or the one asked for) and counts.
pub fn run(options: &Options) -> Result<ExitCode> {
    let wanted = |part: &str| options.only.as_deref().is_none_or(|only| only == part);
    let asked = |part: &str| options.only.as_deref() == Some(part);
    // The robots need no ROS and bring what they need themselves.
    if !asked("robots") {
        setup::run()?;
    }
    let mut count = Count::default();

    if wanted("format") {
        whole(&mut count, "format", cargo().args(["fmt", "--all", "--check"]))?;
    }
    if wanted("hashes") {
        let mut command = Command::new("python3");
        command.arg(places::scripts().join("check_type_hashes.py"));
        command.arg(places::scripts().join("interfaces.json"));
        command.arg(environment::message_prefixes());
        counted(&mut count, "hashes", command.args(bring::MESSAGE_PACKAGES))?;
    }
    if wanted("algorithms_know_no_ros") {
        algorithms_know_no_ros(&mut count)?;
    }
    // Release: planners and rasterisers are slow otherwise.
    if options.only.is_none() {
        // At once: what several crates are built from is built once.
        let mut command = build::cargo()?;
        command.args(["test", "--release", "--no-fail-fast", "--workspace"]);
        counted(&mut count, "crates", in_domain(&mut command))?;
    } else if asked("algorithms") {
        counted(&mut count, "algorithms", cargo().args(["test", "--release", "--no-fail-fast"]))?;
    }
    if asked("robots") {
        setup::robot_packages()?;
        counted(&mut count, "robots", &mut robots())?;
    }
    if asked("pretrained") {
        setup::pretrained()?;
        build::picture_examples()?;
        counted(&mut count, "pretrained", &mut pretrained()?)?;
    }
    if let Some(only) = options.only.as_deref().filter(|only| is_crate(only))
        && !ROS_CRATES.contains(&only)
    {
        let mut command = cargo();
        command.args(["test", "--release", "--no-fail-fast", "--package", only]);
        counted(&mut count, only, &mut command)?;
    }
    if let Some(name) = ROS_CRATES.iter().find(|name| asked(name)) {
        let mut command = build::cargo()?;
        command.args(["test", "--release", "--no-fail-fast", "--package", name]);
        counted(&mut count, name, in_domain(&mut command))?;
    }
    let suites = python_suites()?;
    let chosen: Vec<&String> = suites.iter().filter(|name| wanted(name)).collect();
    let nodes_run = ["inspect_graph", "survive_kill", "random_weights"].into_iter().any(wanted);
    let scripts_run = ["two_machines", "new_robots"].into_iter().any(asked);
    if !chosen.is_empty() || nodes_run || scripts_run || asked("demo") {
        build::nodes()?;
    }
    if chosen.iter().any(|name| *name == "test_runtime") {
        build::minimal_node()?;
    }
    for (index, name) in chosen.into_iter().enumerate() {
        let mut command =
            environment::command(environment::python(), domain::private(20 + index as u32))?;
        command.env("PRAXIS_NODES", places::target().join("release"));
        command.arg("-u").arg(places::root().join("tests/ros").join(format!("{name}.py")));
        counted(&mut count, name, &mut command)?;
    }
    for part in BESIDE_A_DEMO.iter().filter(|part| wanted(part.name)) {
        beside_a_demo(&mut count, part)?;
    }
    if asked("colcon") {
        setup::colcon()?;
        script(&mut count, "colcon", domain::private(62))?;
    }
    if asked("two_machines") {
        script(&mut count, "two_machines", domain::private(63))?;
    }
    if asked("new_robots") {
        setup::robot_packages()?;
        script(&mut count, "new_robots", domain::private(64))?;
    }
    if wanted("random_weights") {
        random_weights(&mut count)?;
    }
    if asked("demo") {
        whole(&mut count, "demo", beside::demo()?.args(["--seed", "1"]))?;
    }
    if asked("lint") {
        whole(
            &mut count,
            "lint",
            cargo().args(["clippy", "--release", "--all-targets", "--", "-D", "warnings"]),
        )?;
        let mut command = build::cargo()?;
        command.args(["clippy", "--release", "--all-targets"]);
        for name in ROS_CRATES {
            command.args(["--package", name]);
        }
        whole(&mut count, "lint of the ROS crates", command.args(["--", "-D", "warnings"]))?;
    }
    if count.passed + count.failed == 0 {
        bail!("'{}' names no part that has tests", options.only.as_deref().unwrap_or_default());
    }
    println!("{} passed, {} failed", count.passed, count.failed);
    Ok(if count.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn is_crate(name: &str) -> bool {
    places::root().join("crates").join(name).join("Cargo.toml").is_file()
}

fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(places::root());
    cargo
}

/// Tests of crates that speak ROS meet nobody else's.
fn in_domain(command: &mut Command) -> &mut Command {
    command
        .env("ROS_DOMAIN_ID", domain::private(7).to_string())
        .env("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
}

/// The crates that a plain `cargo test` takes depend on neither ROS nor the physics engine.
fn algorithms_know_no_ros(count: &mut Count) -> Result<()> {
    const WHAT: &str = "algorithms_know_no_ros";
    println!("=== {WHAT}");
    let tree = cargo().args(["tree", "--prefix", "none"]).output().context("cannot run cargo")?;
    let crates = String::from_utf8_lossy(&tree.stdout);
    let known = |line: &str| line.starts_with("r2r") || line.starts_with("mujoco");
    let found: Vec<&str> = crates.lines().filter(|line| known(line)).collect();
    if !found.is_empty() {
        println!("FAILED  default members depend on {}", found.join(", "));
    }
    let holds = tree.status.success() && crates.contains("praxis_geometry") && found.is_empty();
    count.add(WHAT, u32::from(holds), u32::from(!holds));
    Ok(())
}

/// Loads every robot description of the packages and plans with those of a fitting size.
fn robots() -> Command {
    let packages = places::robot_packages();
    let mut command = bench::program();
    command
        .args(["robots", "--folder"])
        .arg(packages.join("share/example-robot-data/robots"))
        // Where `package://` is looked up.
        .env("AMENT_PREFIX_PATH", packages);
    command
}

/// Runs a script of `tests/ros` that starts what it needs itself.
fn script(count: &mut Count, name: &str, domain: u8) -> Result<()> {
    let mut command = environment::command(environment::python(), domain)?;
    command
        .env("PRAXIS_NODES", places::target().join("release"))
        .env("PRAXIS_XTASK", std::env::current_exe()?)
        .env("PRAXIS_BROUGHT", places::ros())
        .arg("-u")
        .arg(places::root().join("tests/ros").join(format!("{name}.py")));
    counted(count, name, &mut command)
}

/// Looks at photographs with the pre-trained networks, through our cards and decoders.
fn pretrained() -> Result<Command> {
    let python = places::pretrained().join("venv/bin/python");
    let mut command = Command::new(python);
    command
        .envs(environment::variables()?)
        .env("PYTHONPATH", places::root().join("tests/ros"))
        .arg(places::networks_script("check.py"))
        .arg(places::pretrained())
        .arg(build::executable("examples/detect"))
        .arg(build::executable("examples/mug"));
    Ok(command)
}

/// Scripts named `test_*.py`.
fn python_suites() -> Result<Vec<String>> {
    let folder = places::root().join("tests/ros");
    let entries =
        std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| Some(name.strip_suffix(".py")?.to_owned()))
        .filter(|name| name.starts_with("test_"))
        .collect();
    names.sort();
    Ok(names)
}

/// Runs a script of `tests/ros` while the demo sorts a table in the same domain.
fn beside_a_demo(count: &mut Count, part: &Part) -> Result<()> {
    let demo = SortingBeside::start(part.name, part.seed)?;
    counted(count, part.name, demo.script(part.script)?.args(part.arguments))?;
    let ended = demo.end()?;
    let sorted = if part.may_touch { ended.is_sorted } else { ended.succeeded };
    count.add(&format!("the demo beside {}", part.name), u32::from(sorted), u32::from(!sorted));
    Ok(())
}

/// The demo with a network that has learnt nothing: no object gets into its bin.
fn random_weights(count: &mut Count) -> Result<()> {
    const WHAT: &str = "random_weights";
    println!("=== {WHAT}");
    let folder = places::demos().join(WHAT);
    std::fs::create_dir_all(&folder)?;
    let network = folder.join("network");
    bring::must(
        Command::new("python3")
            .arg(places::root().join("tests/ros/networks/shuffle_weights.py"))
            .arg(places::root().join("models/networks/tabletop"))
            .arg(&network),
        "the message above says what is wrong with the network's file",
    )?;
    let figures = Figures::fresh(WHAT)?;
    let status = beside::demo()?
        .args(["--seed", "1"])
        .arg("--record")
        .arg(&folder)
        .arg("--json")
        .arg(figures.path())
        .args(["--", RANDOM_WEIGHTS_TIME_S])
        .arg(format!("network:={}", network.display()))
        .status()?;
    let placed = figures.count("placed")?;
    let log = folder.join("sort_table_1/perception.log");
    let loaded = std::fs::read_to_string(&log)
        .with_context(|| format!("the demo left no {}", log.display()))?
        .contains("network is loaded");
    let nothing = !status.success() && placed == 0;
    if !nothing {
        println!("FAILED  with random weights {placed} objects were placed");
    }
    if !loaded {
        println!("FAILED  the network was not loaded, so that this run shows nothing");
    }
    let holds = nothing && loaded;
    count.add(WHAT, u32::from(holds), u32::from(!holds));
    Ok(())
}

/// A command that counts as one test.
fn whole(count: &mut Count, what: &str, command: &mut Command) -> Result<()> {
    println!("=== {what}");
    let ok = command.status().with_context(|| format!("cannot run {command:?}"))?.success();
    count.add(what, u32::from(ok), u32::from(!ok));
    Ok(())
}

/// A command whose output says how many tests passed and failed; one that fails without having
/// counted a failure counts as one.
fn counted(count: &mut Count, what: &str, command: &mut Command) -> Result<()> {
    println!("=== {what}");
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {command:?}"))?;
    let (mut passed, mut failed) = (0, 0);
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines() {
            let line = line?;
            println!("{line}");
            if let Some((p, f)) = figures_of(&line) {
                passed += p;
                failed += f;
            }
        }
    }
    if !child.wait()?.success() && failed == 0 {
        failed = 1;
    }
    count.add(what, passed, failed);
    Ok(())
}

/// Reads cargo's `test result: ok. 3 passed; 0 failed; …` and the scripts' `3 passed, 0 failed`.
fn figures_of(line: &str) -> Option<(u32, u32)> {
    let rest = match line.strip_prefix("test result: ") {
        Some(rest) => rest.split_once(". ")?.1,
        None => line,
    };
    let mut parts = rest.split([';', ',']).map(str::trim);
    let passed = parts.next()?.strip_suffix(" passed")?.parse().ok()?;
    let failed = parts.next()?.strip_suffix(" failed")?.parse().ok()?;
    Some((passed, failed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_closing_lines_are_read() {
        let cargo =
            "test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(figures_of(cargo), Some((3, 1)));
        assert_eq!(figures_of("12 passed, 0 failed"), Some((12, 0)));
        assert_eq!(figures_of("ok      3 objects passed, nothing failed"), None);
        assert_eq!(figures_of(""), None);
    }
}
