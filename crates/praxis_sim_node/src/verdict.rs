use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use praxis_sim::Truth;
use serde::Serialize;

/// Simulated seconds between lines when nothing changes.
const EVERY_S: f64 = 0.5;

/// One line of the judge's file.
#[derive(Serialize)]
struct Line<'a> {
    sim_time_s: f64,
    seed: u32,
    placed: usize,
    total: usize,
    forbidden_contacts: usize,
    limit_violations: usize,
    done: bool,
    success: bool,
    time_limit_reached: bool,
    arm_moving: bool,
    held: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thrusts: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    passed_without_stop: Option<usize>,
    placed_ids: &'a [String],
    contacts: &'a [String],
    violations: &'a [String],
}

/// Appends the judge's truth to a file: every half simulated second, and at every change that counts.
pub struct VerdictFile {
    file: File,
    seed: u32,
    time_limit_s: f64,
    last_s: f64,
    last: Option<(usize, usize, usize, bool, bool)>,
}

impl VerdictFile {
    /// Opens the file, creating it and its folder if need be.
    pub fn open(path: &Path, seed: u32, time_limit_s: f64) -> std::io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { file, seed, time_limit_s, last_s: f64::NEG_INFINITY, last: None })
    }

    /// Writes a line if one is due.
    pub fn tell(&mut self, truth: &Truth) -> std::io::Result<()> {
        let out_of_time = self.time_limit_s > 0.0 && truth.sim_time_s >= self.time_limit_s;
        let now = (
            truth.placed,
            truth.forbidden_contacts,
            truth.limit_violations,
            truth.done,
            out_of_time && !truth.done,
        );
        if self.last == Some(now) && truth.sim_time_s - self.last_s < EVERY_S {
            return Ok(());
        }
        self.last = Some(now);
        self.last_s = truth.sim_time_s;
        let line = Line {
            sim_time_s: truth.sim_time_s,
            seed: self.seed,
            placed: truth.placed,
            total: truth.total,
            forbidden_contacts: truth.forbidden_contacts,
            limit_violations: truth.limit_violations,
            done: truth.done,
            success: truth.success,
            time_limit_reached: now.4,
            arm_moving: truth.arm_moving,
            held: truth.held.as_deref(),
            thrusts: truth.thrusts.map(|thrusts| thrusts.ended),
            passed_without_stop: truth.thrusts.map(|thrusts| thrusts.passed_without_stop),
            placed_ids: &truth.placed_ids,
            contacts: &truth.contacts,
            violations: &truth.violations,
        };
        let mut text = serde_json::to_vec(&line)?;
        text.push(b'\n');
        // One write a line: whoever reads along never sees half of one.
        self.file.write_all(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_at_changes_and_twice_a_second() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deeper/judge.jsonl");
        let mut file = VerdictFile::open(&path, 7, 2.5).unwrap();
        let mut truth = Truth { total: 6, ..Truth::default() };
        for step in 0..=3000 {
            truth.sim_time_s = 0.001 * f64::from(step);
            truth.placed = usize::from(step >= 700);
            file.tell(&truth).unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!((7..=9).contains(&lines.len()), "{text}");
        let placed = lines.iter().find(|line| line["placed"] == 1).unwrap();
        assert!((placed["sim_time_s"].as_f64().unwrap() - 0.7).abs() < 1e-9);
        assert_eq!(lines[0]["time_limit_reached"], false);
        assert_eq!(lines.last().unwrap()["time_limit_reached"], true);
    }
}
