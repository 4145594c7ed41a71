use std::io::{IsTerminal, Write};
use std::path::Path;

use serde::Deserialize;

/// One line of the judge's file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Verdict {
    pub sim_time_s: f64,
    pub placed: u32,
    pub total: u32,
    pub forbidden_contacts: u32,
    pub limit_violations: u32,
    pub done: bool,
    pub success: bool,
    pub time_limit_reached: bool,
    pub thrusts: Option<u32>,
    pub passed_without_stop: Option<u32>,
    pub contacts: Vec<String>,
    pub violations: Vec<String>,
}

/// All whole lines of the file.
pub fn verdicts(path: &Path) -> Vec<Verdict> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// How many of the things that a launch counts came off with no contact and no violation since the
/// one before.
pub fn clean(verdicts: &[Verdict]) -> u32 {
    let (mut clean, mut placed, mut faults) = (0, 0, 0);
    for verdict in verdicts {
        if verdict.placed <= placed {
            continue;
        }
        let now = verdict.forbidden_contacts + verdict.limit_violations;
        // Several at once share what happened.
        clean += if now == faults { verdict.placed - placed } else { 0 };
        (placed, faults) = (verdict.placed, now);
    }
    clean
}

/// What the counts of a scenario count.
pub fn verb(scenario: &str) -> &'static str {
    match scenario {
        "reach" => "reached",
        "reflex" => "got past",
        "moving_goal" => "picked",
        _ => "placed",
    }
}

/// Characters of the time in a line of progress.
const TIME_WIDTH: usize = 9;

/// On a terminal one line that changes, else a line for each change of the counts.
pub fn show(verb: &str, verdict: &Verdict, shown: &mut String) {
    let line = format!(
        "  {:5.1} s  {verb} {} of {}  contacts {}  violations {}",
        verdict.sim_time_s,
        verdict.placed,
        verdict.total,
        verdict.forbidden_contacts,
        verdict.limit_violations
    );
    let mut output = std::io::stdout();
    // Progress on a pipe that was closed is nobody's loss.
    let _ = if output.is_terminal() {
        write!(output, "\r{line}").and_then(|()| output.flush())
    } else if shown.get(TIME_WIDTH..) != line.get(TIME_WIDTH..) {
        writeln!(output, "{line}")
    } else {
        Ok(())
    };
    *shown = line;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_off_with_a_contact_is_not_clean() {
        let told = |placed, forbidden_contacts| Verdict {
            placed,
            forbidden_contacts,
            ..Verdict::default()
        };
        let all = [told(0, 0), told(1, 0), told(1, 1), told(2, 1), told(3, 1), told(3, 2)];
        assert_eq!(clean(&all), 2);
        assert_eq!(clean(&[]), 0);
    }

    #[test]
    fn half_a_line_is_not_read() {
        let file = std::env::temp_dir().join(format!("praxis_verdicts_{}", std::process::id()));
        std::fs::write(&file, "{\"placed\":1}\n{\"placed\":2}\n{\"pla").unwrap();
        let placed: Vec<u32> = verdicts(&file).iter().map(|verdict| verdict.placed).collect();
        std::fs::remove_file(&file).unwrap();
        assert_eq!(placed, [1, 2]);
    }
}
