//! Measures perception on rendered tables whose truth is known.
//!
//! In: a network's folder and a set of tables (by default the held-out one: colours, textures and
//! proportions that training never shows). Out: average precision of the network, errors of the
//! objects in space, per class and distance, without and with sensor noise, and the processor time
//! of the network and of the rest, as one JSON object. `watch` measures a running node from outside.
//! `cargo xtask bench perception` builds and runs both.

mod figures;
mod precision;
mod robot;
mod space;
mod timed_network;
mod view;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::{Args, Parser, Subcommand};
use praxis_inference::{InferenceConfig, OrtNetwork, library_path};
use praxis_network::Card;
use praxis_perception::{Perceiver, PerceiverConfig};
use praxis_scenes::{Split, Tables};
use serde_json::{Value, json};

use self::figures::{Times, thousandths};
use self::precision::Precision;
use self::robot::RobotModel;
use self::space::Space;
use self::timed_network::TimedNetwork;
use self::view::View;

/// Measures perception on rendered tables whose truth is known.
#[derive(Parser)]
#[command(name = "cargo xtask bench perception", args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    instead: Option<Instead>,
    #[command(flatten)]
    options: Options,
}

/// What is done instead of drawing tables.
#[derive(Subcommand)]
enum Instead {
    /// Measures a running perception node from outside.
    #[command(hide = true)]
    Watch(watch::Options),
}

#[derive(Args)]
struct Options {
    /// Folder of the network.
    #[arg(long, default_value = "models/networks/tabletop")]
    network: PathBuf,
    /// World file that the tables are drawn from.
    #[arg(long, default_value = "models/worlds/sort_table.yaml")]
    world: PathBuf,
    /// Folder of the robot: `panda.urdf` and `meshes/collision`.
    #[arg(long, default_value = ".ros/robots/panda")]
    robot: PathBuf,
    /// The demo's own tables without a robot in view, instead of the held-out ones.
    #[arg(long)]
    demo: bool,
    /// How many tables.
    #[arg(long, default_value_t = 500)]
    frames: u64,
    /// Seed of the first table.
    #[arg(long, default_value_t = 0)]
    first_seed: u64,
    /// Only without noise.
    #[arg(long)]
    without_noise: bool,
    /// Only by colour: the depth picture is withheld.
    #[arg(long)]
    without_depth: bool,
    /// Folder where every object goes as one line of JSON.
    #[arg(long)]
    lines: Option<PathBuf>,
    /// Where the figures go as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

fn main() -> Result<()> {
    let Cli { instead, options } = Cli::parse();
    match instead {
        Some(Instead::Watch(options)) => watch::run(&options),
        None => measure(&options),
    }
}

fn measure(options: &Options) -> Result<()> {
    ensure!(options.frames > 0, "--frames is 0: nothing to measure");
    let (mut perceiver, network_ns) = load(options)?;
    let mut figures = measured(options, &mut perceiver, &network_ns, false)?;
    if !options.without_noise {
        figures["with_noise"] = measured(options, &mut perceiver, &network_ns, true)?;
    }
    let text = serde_json::to_string_pretty(&figures)?;
    println!("{text}");
    if let Some(path) = &options.json {
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn load(options: &Options) -> Result<(Perceiver, Arc<AtomicU64>)> {
    let card = Card::read(&options.network)?;
    let config = InferenceConfig {
        library: library_path("")?,
        providers: vec!["cpu".to_owned()],
        intra_op_threads: 1,
    };
    let network = OrtNetwork::load(&card, &config)?;
    let (network, last_ns) = TimedNetwork::new(Box::new(network));
    let mut config = PerceiverConfig::default();
    // As config/panda/perception.yaml.
    config.locate.max_height_m = 0.12;
    // Accuracy and processor time do not depend on how busy the machine is.
    config.network_limit_ms = 0;
    Ok((Perceiver::new(card, Box::new(network), config), last_ns))
}

fn measured(
    options: &Options,
    perceiver: &mut Perceiver,
    network_ns: &AtomicU64,
    noise: bool,
) -> Result<Value> {
    let meshes = options.robot.join("meshes/collision");
    let mut tables = Tables::read(&options.world, &meshes)?;
    let split = if options.demo { Split::Demo } else { Split::HeldOut };
    if options.demo {
        tables = tables.without_robot();
    }
    let robot = RobotModel::read(&options.robot.join("panda.urdf"))?;
    let card = perceiver.card().clone();
    let mut precision = Precision::new(&card);
    let mut space = Space::new(&card);
    let mut times = Times::default();
    for seed in options.first_seed..options.first_seed + options.frames {
        let view = View::of(&mut tables, split, seed, noise, &robot)?;
        let depth = (!options.without_depth).then_some(&view.depth);
        let (perception, whole) = view.perceive(perceiver, depth)?;
        times.take(Duration::from_nanos(network_ns.load(Ordering::Relaxed)), whole);
        precision.take(&view.labels, &perception.detections);
        perceiver.forget();
        space.take(seed, &view.labels, &perception.seen);
    }
    if let Some(path) = &options.lines {
        let name = if noise { "with_noise.jsonl" } else { "without_noise.jsonl" };
        std::fs::create_dir_all(path)?;
        std::fs::write(path.join(name), space.lines())?;
    }
    let mut figures = json!({
        "frames": options.frames,
        "provider": perceiver.provider(),
        "map50": thousandths(precision.mean()),
        "ap50": precision.per_class(),
    });
    let own = figures.as_object_mut().context("an object was just made")?;
    own.extend(space.figures());
    own.extend(times.figures());
    Ok(figures)
}
