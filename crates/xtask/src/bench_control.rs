use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Serialize;

use crate::figures_file::write_json;
use crate::launch_table::LaunchTable;
use crate::processes::Nodes;
use crate::quantiles::quantile;
use crate::{build, domain, places, setup};

const PERIOD_US: f64 = 1000.0;
/// Time for simulator and control to find each other before anything counts.
const WARM_UP: Duration = Duration::from_secs(5);

/// Options of `bench control`.
#[derive(Args)]
pub struct Options {
    /// Seconds; the control loop and the bare loop take turns of one.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Write the figures here.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Serialize)]
struct Quantiles {
    p50: f64,
    p99: f64,
    p999: f64,
    max: f64,
    samples: usize,
}

#[derive(Serialize)]
struct Figures {
    loop_period_us: Quantiles,
    bare_loop_period_us: Quantiles,
    /// Of |period − 1 ms|.
    loop_deviation_us: Quantiles,
    bare_loop_deviation_us: Quantiles,
    deviation_ratio_p999: f64,
    duration_s: u64,
}

/// Runs simulator and control at 1 kHz and measures the loop beside a bare one.
pub fn run(options: &Options) -> Result<ExitCode> {
    setup::run()?;
    build::nodes()?;
    let mut table = LaunchTable::read(&places::root().join("launch/sort_table.yaml"))?;
    table.nodes.retain(|node| node.name == "sim" || node.name == "control");
    let folder = places::demos().join("bench_control");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)?;
    let file = folder.join("periods.txt");
    for node in table.nodes.iter_mut().filter(|node| node.name == "control") {
        node.parameters.insert("rate_hz".to_owned(), "1000.0".to_owned());
        node.parameters.insert("measure_file".to_owned(), file.display().to_string());
    }
    let values = table.values(&[])?;
    println!(
        "{} s of the control loop and a bare loop in turns, with the simulator",
        options.seconds
    );
    let mut nodes = Nodes::start(&table, &values, domain::private(60), &folder)?;
    nodes.run_for(WARM_UP + Duration::from_secs(options.seconds))?;
    nodes.stop();
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("control left no {}; see its log there", file.display()))?;
    let (periods, bare) = (periods_of(&text, "control")?, periods_of(&text, "bare")?);
    let deviations = |periods: &[f64]| periods.iter().map(|us| (us - PERIOD_US).abs()).collect();
    let (own, beside): (Vec<f64>, Vec<f64>) = (deviations(&periods), deviations(&bare));
    let figures = Figures {
        deviation_ratio_p999: quantile(&own, 0.999) / quantile(&beside, 0.999),
        loop_period_us: quantiles(&periods),
        bare_loop_period_us: quantiles(&bare),
        loop_deviation_us: quantiles(&own),
        bare_loop_deviation_us: quantiles(&beside),
        duration_s: options.seconds,
    };
    for (name, q) in [
        ("control loop", &figures.loop_deviation_us),
        ("bare loop", &figures.bare_loop_deviation_us),
    ] {
        println!(
            "{name:12} |period - 1 ms|: p50 {:.1}, p99 {:.1}, p99.9 {:.1}, max {:.1} µs over {} periods",
            q.p50, q.p99, q.p999, q.max, q.samples
        );
    }
    println!("p99.9 of the control loop is {:.2} of the bare loop's", figures.deviation_ratio_p999);
    write_json(options.json.as_deref(), &figures)?;
    Ok(ExitCode::SUCCESS)
}

/// The periods of one line of the file, microseconds; the warm-up's are left out.
fn periods_of(text: &str, name: &str) -> Result<Vec<f64>> {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let numbers = line.with_context(|| format!("no line '{name}'"))?.split_whitespace();
    let periods: Vec<f64> =
        numbers.map(|word| Ok(word.parse::<f64>()? / 1e3)).collect::<Result<_>>()?;
    let warm_up = (WARM_UP.as_secs() * 500) as usize;
    match periods.get(warm_up..) {
        Some(periods) if !periods.is_empty() => Ok(periods.to_vec()),
        _ => bail!("only {} periods of the {name} loop; run it longer", periods.len()),
    }
}

fn quantiles(values: &[f64]) -> Quantiles {
    let at = |share| quantile(values, share);
    Quantiles { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1.0), samples: values.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warm_up_is_left_out_and_too_little_is_told() {
        let text = format!("control{}\nbare 1\n", " 2000".repeat(2501));
        assert_eq!(periods_of(&text, "control").unwrap(), [2.0]);
        assert!(periods_of(&text, "bare").is_err());
    }
}
