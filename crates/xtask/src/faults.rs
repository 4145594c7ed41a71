use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::beside::SortingBeside;
use crate::figures_file::write_json;
use crate::quantiles::Spread;
use crate::{build, places, setup};

/// Options of `faults`.
#[derive(Args)]
pub struct Options {
    /// How many tables are sorted; three see every fault once.
    #[arg(long, default_value_t = 3)]
    runs: u32,
    /// Seed of the first table and of the order of the faults.
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// File for the figures.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// What `tests/ros/faults.py` tells of one table.
#[derive(Deserialize)]
struct Told {
    faults: u32,
    late_stops: u32,
    unrecovered: u32,
    stop_time_ms: Vec<f64>,
}

#[derive(Serialize)]
struct Figures {
    success: bool,
    runs: u32,
    faults: u32,
    /// Stops that took longer than promised.
    late_stops: u32,
    /// Faults after which the work did not go on, and tables that were not sorted in the end.
    unrecovered: u32,
    limit_violations: u64,
    forbidden_contacts: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_time_ms: Option<Spread>,
}

/// Sorts tables while faults happen in mid-motion: nodes die and hang, stops are asked for, broken
/// messages arrive. Succeeds where every stop came in time, every table got sorted and every command
/// was within the limits.
pub fn run(options: &Options) -> Result<ExitCode> {
    setup::run()?;
    build::nodes()?;
    let mut figures = Figures {
        success: false,
        runs: options.runs,
        faults: 0,
        late_stops: 0,
        unrecovered: 0,
        limit_violations: 0,
        forbidden_contacts: 0,
        stop_time_ms: None,
    };
    let mut stops = Vec::new();
    for run in 0..options.runs {
        let told = places::demos().join("faults").join(format!("told_{run}.json"));
        let demo = SortingBeside::start("faults", options.seed.wrapping_add(run))?;
        let _ = std::fs::remove_file(&told);
        let mut script = demo.script("faults")?;
        script.args(["--seed", &options.seed.to_string(), "--run", &run.to_string()]);
        script.arg("--json").arg(&told);
        // Its exit code says no more than its figures.
        script.status().with_context(|| format!("cannot run {script:?}"))?;
        let ended = demo.end()?;
        let text = std::fs::read_to_string(&told)
            .with_context(|| format!("the script left no {}", told.display()))?;
        let told: Told = serde_json::from_str(&text)?;
        figures.faults += told.faults;
        figures.late_stops += told.late_stops;
        figures.unrecovered += told.unrecovered + u32::from(!ended.is_sorted);
        figures.limit_violations += ended.figures.count("limit_violations")?;
        figures.forbidden_contacts += ended.figures.count("forbidden_contacts")?;
        stops.extend(told.stop_time_ms);
    }
    figures.stop_time_ms = Spread::of(&stops);
    // Contacts are told, not judged: a driver whose controller died brakes blindly.
    figures.success = figures.faults > 0
        && figures.late_stops + figures.unrecovered == 0
        && figures.limit_violations == 0;
    write_json(options.json.as_deref(), &figures)?;
    println!(
        "{} faults: {} late stops, {} not recovered from, {} forbidden contacts, {} limit violations",
        figures.faults,
        figures.late_stops,
        figures.unrecovered,
        figures.forbidden_contacts,
        figures.limit_violations
    );
    if let Some(spread) = &figures.stop_time_ms {
        println!("time to rest: {spread}");
    }
    Ok(if figures.success { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
