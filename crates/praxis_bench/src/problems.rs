use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;
use serde::Deserialize;

use crate::obstacles::Obstacles;

/// The one format that is read.
const FORMAT: &str = "vamp-mbm-problems/1";

/// A file of problems for one robot.
#[derive(Clone, Debug, Deserialize)]
pub struct ProblemFile {
    /// Must be "vamp-mbm-problems/1".
    format: String,
    /// Name of the robot.
    pub robot: String,
    /// Order of the joints in every configuration.
    pub joints: Vec<String>,
    /// Lowest positions, radians or metres.
    lower: Vec<f64>,
    /// Highest positions, radians or metres.
    upper: Vec<f64>,
    /// The problems.
    pub problems: Vec<Problem>,
}

/// From where to where, past what.
#[derive(Clone, Debug, Deserialize)]
pub struct Problem {
    /// Name of the scene.
    pub scene: String,
    /// Its number in the scene.
    pub index: u32,
    /// Where it starts.
    pub start: Vec<f64>,
    /// Any of these may be reached.
    pub goals: Vec<Vec<f64>>,
    /// Whether the start and a goal are free.
    pub valid: bool,
    /// What stands in the scene.
    #[serde(flatten)]
    pub obstacles: Obstacles,
}

impl ProblemFile {
    /// Reads `.json` or `.json.gz`.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes =
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&bytes).with_context(|| format!("{} holds no problems", path.display()))
    }

    fn parse(bytes: &[u8]) -> Result<Self> {
        let mut text = Vec::new();
        if bytes.starts_with(&[0x1f, 0x8b]) {
            GzDecoder::new(bytes).read_to_end(&mut text)?;
        } else {
            text.extend_from_slice(bytes);
        }
        let file: Self = serde_json::from_slice(&text)?;
        file.check()?;
        Ok(file)
    }

    fn check(&self) -> Result<()> {
        ensure!(self.format == FORMAT, "its format is '{}', not '{FORMAT}'", self.format);
        let dim = self.joints.len();
        let fits = |row: &[f64]| row.len() == dim && row.iter().all(|value| value.is_finite());
        ensure!(
            fits(&self.lower) && fits(&self.upper),
            "the bounds are not {dim} finite values each"
        );
        for Problem { scene, index, start, goals, .. } in &self.problems {
            ensure!(
                fits(start) && !goals.is_empty() && goals.iter().all(|goal| fits(goal)),
                "start and goals of {scene} {index} are not {dim} finite values each"
            );
        }
        Ok(())
    }

    /// Lowest and highest position of each joint.
    pub fn bounds(&self) -> Vec<(f64, f64)> {
        self.lower.iter().copied().zip(self.upper.iter().copied()).collect()
    }

    /// The problems that have a solution or may have one.
    pub fn valid(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter().filter(|problem| problem.valid)
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use std::io::Write;

    /// One joint, one ball, one problem.
    pub const SMALL: &str = r#"{"format": "vamp-mbm-problems/1", "robot": "lever",
        "joints": ["turn"], "lower": [-3.0], "upper": [3.0], "problems": [
        {"scene": "ball", "index": 1, "start": [-1.0], "goals": [[1.0]], "valid": true,
         "spheres": [{"name": "b", "center": [-1.0, 0.0, 0.0], "radius": 0.2}],
         "capsules": [], "cuboids": []}]}"#;

    #[test]
    fn plain_and_packed_files_read_alike() {
        let plain = ProblemFile::parse(SMALL.as_bytes()).unwrap();
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(SMALL.as_bytes()).unwrap();
        let packed = ProblemFile::parse(&packer.finish().unwrap()).unwrap();
        assert_eq!(plain.problems[0].start, packed.problems[0].start);
        assert_eq!(plain.problems[0].obstacles.spheres.len(), 1);
        assert_eq!(plain.bounds(), [(-3.0, 3.0)]);
    }

    #[test]
    fn other_formats_and_wrong_lengths_are_refused() {
        let read = |from, to| ProblemFile::parse(SMALL.replace(from, to).as_bytes()).unwrap_err();
        assert!(read("problems/1", "problems/2").to_string().contains("format"));
        assert!(read("[[1.0]]", "[[1.0, 2.0]]").to_string().contains("ball 1"));
        assert!(read("\"upper\": [3.0]", "\"upper\": []").to_string().contains("bounds"));
    }
}
