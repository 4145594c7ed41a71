use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde_json::{Value, json};

use crate::figures_file::write_json;
use crate::launch_table::LaunchTable;
use crate::processes::Nodes;
use crate::{bring, build, domain, environment, places, setup};

/// Program that draws tables, and that watches the node.
const PROGRAM: &str = "praxis_perception_bench";
/// Folder of our network.
const OURS: &str = "models/networks/tabletop";
/// The largest of the pre-trained networks.
const LARGEST_PRETRAINED: &str = "nanodet_coco";

/// Options of `bench perception`.
#[derive(Args)]
pub struct Options {
    /// Seconds that the node is watched while the simulator's frames arrive; 0 leaves it out.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Only watch the node, with our network and with the largest of the pre-trained ones: no
    /// accuracy on drawn tables.
    #[arg(long)]
    only_node: bool,
    /// Folder of the network.
    #[arg(long, default_value = OURS)]
    network: PathBuf,
    /// Write the figures here.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Options of the accuracy on drawn tables: --demo, --frames N, --first-seed N,
    /// --without-noise, --without-depth, --lines FOLDER, --world FILE, --robot FOLDER.
    #[arg(allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Measures accuracy on drawn tables, and the way from frame to objects through the real node.
pub fn run(options: &Options) -> Result<ExitCode> {
    ensure!(
        options.seconds > 0 || !options.only_node,
        "--only-node with --seconds 0 leaves nothing to measure"
    );
    setup::run()?;
    build::nodes()?;
    let mut cargo = build::cargo()?;
    cargo.args(["build", "--release", "--quiet", "--package", PROGRAM]);
    bring::must(&mut cargo, "the message above says where the build failed")?;
    let folder = places::demos().join("bench_perception");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)?;

    let mut figures = Value::Object(serde_json::Map::new());
    if options.seconds > 0 {
        add(&mut figures, watched(&options.network, options.seconds, &folder)?)?;
        if options.network == Path::new(OURS) {
            add(&mut figures, largest_pretrained(options.seconds, &folder)?)?;
        }
        println!("{}", serde_json::to_string_pretty(&figures)?);
    }
    if !options.only_node {
        add(&mut figures, accuracy(options, &folder)?)?;
    }
    write_json(options.json.as_deref(), &figures)?;
    Ok(ExitCode::SUCCESS)
}

/// The same with the largest of the pre-trained networks, if they have been brought.
fn largest_pretrained(seconds: u64, folder: &Path) -> Result<Value> {
    let network = places::pretrained().join(LARGEST_PRETRAINED);
    if !network.join("card.toml").is_file() {
        println!(
            "{LARGEST_PRETRAINED} is not measured: `cargo xtask test --only pretrained` brings it"
        );
        return Ok(json!({}));
    }
    let folder = folder.join(LARGEST_PRETRAINED);
    Ok(json!({ LARGEST_PRETRAINED: watched(&network, seconds, &folder)? }))
}

/// Runs simulator and perception node and watches from outside.
fn watched(network: &Path, seconds: u64, folder: &Path) -> Result<Value> {
    std::fs::create_dir_all(folder)?;
    let mut table = LaunchTable::read(&places::root().join("launch/sort_table.yaml"))?;
    table.nodes.retain(|node| node.name == "sim" || node.name == "perception");
    let (stages, figures) = (folder.join("stages.jsonl"), folder.join("watch.json"));
    for node in table.nodes.iter_mut().filter(|node| node.name == "perception") {
        node.parameters.insert("measure_file".to_owned(), stages.display().to_string());
    }
    let network = std::path::absolute(network)?.display().to_string();
    let values = table.values(&[("network", network.clone())])?;
    let domain = domain::private(61);
    println!(
        "{seconds} s of the perception node with {network} while the simulator's frames arrive"
    );
    let mut nodes = Nodes::start(&table, &values, domain, folder)?;
    let status = environment::command(build::executable(PROGRAM), domain)?
        .args(["watch", "--seconds", &seconds.to_string()])
        .arg("--measure-file")
        .arg(&stages)
        .arg("--json")
        .arg(&figures)
        .status()
        .context("cannot run the program that watches")?;
    nodes.stop();
    if !status.success() {
        for complaint in nodes.complaints() {
            eprintln!("    {complaint}");
        }
        bail!("the node was not measured; logs are in {}", folder.display());
    }
    read(&figures)
}

/// Draws tables whose truth is known and looks at them.
fn accuracy(options: &Options, folder: &Path) -> Result<Value> {
    let figures = folder.join("accuracy.json");
    let status = environment::command(build::executable(PROGRAM), domain::private(62))?
        .arg("--network")
        .arg(std::path::absolute(&options.network)?)
        .arg("--json")
        .arg(&figures)
        .args(&options.arguments)
        .status()
        .context("cannot run the program that draws tables")?;
    ensure!(status.success(), "accuracy was not measured; the message above says why");
    read(&figures)
}

fn read(file: &Path) -> Result<Value> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("the measurement left no {}", file.display()))?;
    Ok(serde_json::from_str(&text)?)
}

fn add(figures: &mut Value, more: Value) -> Result<()> {
    let (Value::Object(own), Value::Object(more)) = (figures, more) else {
        bail!("the measurement wrote something else than figures")
    };
    own.extend(more);
    Ok(())
}
