use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde::Deserialize;

use super::figures::{Launch, Outcome};
use super::verdict::{Verdict, clean, show, verb, verdicts};
use super::{Options, robot_argument};
use crate::frame_latency::FrameLatency;
use crate::launch_table::LaunchTable;
use crate::processes::{Nodes, empty_file};
use crate::{domain, places};

/// Wall time after which a launch counts as failed, whatever the simulator says.
const LONGEST_LAUNCH: Duration = Duration::from_secs(600);
/// Without a word from the simulator for so long, it is gone.
const SIMULATOR_SILENT: Duration = Duration::from_secs(30);
/// So long the judge may take to see what the task says it has done.
const JUDGED_WITHIN: Duration = Duration::from_secs(5);
/// What a cancelled task says; it was asked to end and may be started again.
const CANCELLED: &str = "cancelled";

/// One launch among several.
pub struct Planned {
    /// Its place among them, from 0.
    pub number: u32,
    /// Runs that are in the launches before it, in it, and in all.
    pub before: u32,
    pub runs: u32,
    pub of: u32,
}

/// Where the figures of a launch come from.
struct Files {
    folder: PathBuf,
    judge: PathBuf,
    task: PathBuf,
    /// What frames and motions were measured with, if the scenario has them.
    measured: Option<[PathBuf; 2]>,
}

/// Starts the nodes, watches what the judge and the task say, and stops the nodes.
pub fn one_launch(
    options: &Options,
    table: &LaunchTable,
    planned: &Planned,
    interrupted: &AtomicBool,
) -> Result<Launch> {
    let seed = options.seed.wrapping_add(planned.number);
    let (files, given) = arguments(options, table, planned, seed)?;
    let given: Vec<(&str, String)> =
        given.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    let values = table.values(&given)?;
    let domain = options.domain.unwrap_or_else(|| domain::private(planned.number));
    domain::announce(domain)?;
    let first = planned.before + 1;
    let which = match planned.runs {
        1 => format!("run {first}"),
        runs => format!("runs {first} to {}", planned.before + runs),
    };
    println!("{which} of {} (seed {seed}, domain {domain}): starting the nodes", planned.of);

    let begun = Instant::now();
    let mut nodes = Nodes::start(table, &values, domain, &files.folder)?;
    let (verdict, ended_early) =
        watch(&mut nodes, &files, verb(&options.scenario), begun, interrupted)?;
    let deaths = nodes.deaths();
    nodes.stop();
    let success = ended_early.is_none()
        && verdict.success
        && verdict.forbidden_contacts == 0
        && verdict.limit_violations == 0;
    let latency = match &files.measured {
        // Nodes that never came up have written nothing.
        Some([frames, takeovers]) if frames.exists() && takeovers.exists() => {
            FrameLatency::read(frames, takeovers)?
        }
        _ => FrameLatency::default(),
    };
    println!("\n  {}", if success { "succeeded" } else { "failed" });
    if !success {
        if let Some(reason) = &ended_early {
            println!("  why: {reason}");
        }
        for line in verdict.contacts.iter().chain(&verdict.violations).take(10) {
            println!("  {line}");
        }
        for line in nodes.complaints() {
            println!("  {line}");
        }
        println!("  logs: {}", files.folder.display());
    }
    let runs_succeeded = match &table.runs {
        Some(_) => clean(&verdicts(&files.judge)),
        None => u32::from(success),
    };
    let outcome = Outcome {
        success,
        runs: planned.runs,
        runs_succeeded,
        placed: verdict.placed,
        total: verdict.total,
        forbidden_contacts: verdict.forbidden_contacts,
        limit_violations: verdict.limit_violations,
        duration_s: begun.elapsed().as_secs_f64(),
        thrusts: verdict.thrusts,
        passed_without_stop: verdict.passed_without_stop,
    };
    Ok(Launch {
        seed,
        outcome,
        node_deaths: deaths,
        ended_early,
        contacts: verdict.contacts,
        violations: verdict.violations,
        latency,
    })
}

/// The launch's files in a fresh folder, and what the scenario is told.
fn arguments(
    options: &Options,
    table: &LaunchTable,
    planned: &Planned,
    seed: u32,
) -> Result<(Files, Vec<(String, String)>)> {
    let record = options.record.clone().unwrap_or_else(places::demos);
    let folder = record.join(format!("{}_{seed}", options.scenario));
    let _ = std::fs::remove_dir_all(&folder);
    let file = |name: &str| folder.join(name);
    let (judge, task) = (file("judge.jsonl"), file("task.json"));
    empty_file(&judge)?;
    let mut given = vec![
        ("robot".to_owned(), robot_argument(&options.robot)?),
        ("seed".to_owned(), seed.to_string()),
        ("judge_file".to_owned(), judge.display().to_string()),
        ("task_report_file".to_owned(), task.display().to_string()),
    ];
    let measured = ["frames_file", "takeovers_file"];
    let is_measured = measured.iter().all(|name| table.arguments.contains_key(*name));
    if is_measured {
        let told = |name: &str| (name.to_owned(), file(name).display().to_string());
        given.extend(measured.iter().map(|name| told(name)));
    }
    if let Some(packed) = &table.runs {
        given.push((packed.argument.clone(), planned.runs.to_string()));
    }
    for argument in &options.arguments {
        let Some((name, value)) = argument.split_once(":=") else {
            bail!("'{argument}' is not of the form name:=value");
        };
        if table.runs.as_ref().is_some_and(|packed| packed.argument == name) {
            bail!("'{name}' is what --runs tells the scenario; say --runs {value}");
        }
        given.push((name.to_owned(), value.to_owned()));
    }
    let measured = is_measured.then(|| measured.map(file));
    Ok((Files { folder, judge, task, measured }, given))
}

/// Watches until the judge says that all is done, or until it makes no sense to wait for that: the
/// newest verdict, and why it ended early if it did.
fn watch(
    nodes: &mut Nodes,
    files: &Files,
    verb: &str,
    begun: Instant,
    interrupted: &AtomicBool,
) -> Result<(Verdict, Option<String>)> {
    let mut verdict = Verdict::default();
    let mut heard = Instant::now();
    let mut task_ended: Option<Instant> = None;
    let mut length = 0;
    let mut shown = String::new();
    let ended_early = loop {
        std::thread::sleep(Duration::from_millis(50));
        if interrupted.load(Ordering::SeqCst) {
            break Some("interrupted".to_owned());
        }
        let gone = nodes.tend()?;
        if !gone.is_empty() {
            break Some(format!("{} ended", gone.join(", ")));
        }
        let now = std::fs::metadata(&files.judge).map_or(0, |file| file.len());
        if now != length {
            length = now;
            heard = Instant::now();
            if let Some(newest) = verdicts(&files.judge).pop() {
                verdict = newest;
                show(verb, &verdict, &mut shown);
            }
        }
        if verdict.done {
            break None;
        }
        match task_end(&files.task) {
            Some(Some(reason)) => break Some(format!("the task {reason}")),
            Some(None) => {
                let since = *task_ended.get_or_insert_with(Instant::now);
                if since.elapsed() > JUDGED_WITHIN {
                    let (placed, total) = (verdict.placed, verdict.total);
                    break Some(format!(
                        "the task says that it is done, the judge saw {verb} {placed} of {total}"
                    ));
                }
            }
            None => task_ended = None,
        }
        if verdict.time_limit_reached {
            break Some(format!("not done after {:.0} simulated seconds", verdict.sim_time_s));
        }
        if heard.elapsed() > SIMULATOR_SILENT {
            let silent_s = heard.elapsed().as_secs_f64();
            break Some(format!("no word from the simulator for {silent_s:.0} s"));
        }
        if begun.elapsed() > LONGEST_LAUNCH {
            break Some(format!("not done after {:.0} s", begun.elapsed().as_secs_f64()));
        }
    };
    Ok((verdict, ended_early))
}

/// What the task's report says once it has ended: nothing, or why it gave up. A task that was
/// cancelled goes on when it is started again.
fn task_end(report: &Path) -> Option<Option<String>> {
    #[derive(Deserialize)]
    struct Report {
        error: Option<String>,
    }
    let text = std::fs::read_to_string(report).ok()?;
    // Half a report is whole at the next look.
    let report: Report = serde_json::from_str(&text).ok()?;
    (report.error.as_deref() != Some(CANCELLED)).then_some(report.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_has_ended_when_its_report_says_so() {
        let file = std::env::temp_dir().join(format!("praxis_task_{}.json", std::process::id()));
        assert_eq!(task_end(&file), None);
        for (text, end) in [
            ("{\"reached\": 3, \"err", None),
            ("{\"error\": \"cancelled\"}", None),
            ("{\"reached\": 3, \"error\": null}", Some(None)),
            ("{\"error\": \"gave up after 4 failures\"}", Some(Some("gave up after 4 failures"))),
        ] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(task_end(&file), end.map(|end| end.map(str::to_owned)));
        }
        std::fs::remove_file(&file).unwrap();
    }
}
