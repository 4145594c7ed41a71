use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// Which nodes run with which files, parameters and remaps: read here and by the `.launch.py`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaunchTable {
    /// What a launch can be told.
    pub arguments: BTreeMap<String, Argument>,
    /// The nodes, in the order of their start.
    pub nodes: Vec<NodeEntry>,
}

/// Something that a launch can be told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Argument {
    /// For people.
    #[expect(dead_code, reason = "shown by `ros2 launch --show-args`")]
    pub description: String,
    /// Taken if nothing is said.
    pub default: String,
    /// What may be said; anything if empty.
    #[serde(default)]
    pub choices: Vec<String>,
}

/// One node.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeEntry {
    /// Name in the graph.
    pub name: String,
    /// Program.
    pub executable: String,
    /// File with the transports that it talks through.
    pub fast_dds_profile: String,
    /// Start it only if this argument has one of these values.
    #[serde(default)]
    pub only_if: BTreeMap<String, Vec<String>>,
    /// YAML files, later ones win.
    #[serde(default)]
    pub parameter_files: Vec<String>,
    /// Parameters beside the files.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// Names that are replaced.
    #[serde(default)]
    pub remaps: BTreeMap<String, String>,
    /// Start it again when it dies.
    #[serde(default)]
    pub respawn: bool,
}

impl LaunchTable {
    /// Reads `launch/<scenario>.yaml`.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("there is no scenario file {}", path.display()))?;
        serde_saphyr::from_str(&text).with_context(|| format!("{} is malformed", path.display()))
    }

    /// Values of all arguments: those given, else the defaults.
    pub fn values(&self, given: &[(&str, String)]) -> Result<BTreeMap<String, String>> {
        let mut values: BTreeMap<String, String> = self
            .arguments
            .iter()
            .map(|(name, argument)| (name.clone(), argument.default.clone()))
            .collect();
        for (name, value) in given {
            let Some(argument) = self.arguments.get(*name) else {
                bail!("the scenario has no argument '{name}'; it has {:?}", self.arguments.keys());
            };
            if !argument.choices.is_empty() && !argument.choices.contains(value) {
                bail!("'{value}' is no {name}; choose from {:?}", argument.choices);
            }
            values.insert((*name).to_owned(), value.clone());
        }
        Ok(values)
    }
}

impl NodeEntry {
    /// Whether these arguments ask for the node.
    pub fn wanted(&self, values: &BTreeMap<String, String>) -> bool {
        self.only_if
            .iter()
            .all(|(name, allowed)| values.get(name).is_some_and(|v| allowed.contains(v)))
    }

    /// What follows the executable on its command line.
    pub fn command_line(&self, values: &BTreeMap<String, String>) -> Result<Vec<String>> {
        let mut words =
            vec!["--ros-args".to_owned(), "-r".to_owned(), format!("__node:={}", self.name)];
        if let Some(level) = values.get("log_level") {
            words.extend(["--log-level".to_owned(), level.clone()]);
        }
        for file in &self.parameter_files {
            words.extend(["--params-file".to_owned(), filled(file, values)?]);
        }
        for (name, value) in &self.parameters {
            words.extend(["-p".to_owned(), format!("{name}:={}", filled(value, values)?)]);
        }
        for (from, to) in &self.remaps {
            words.extend(["-r".to_owned(), format!("{from}:={}", filled(to, values)?)]);
        }
        Ok(words)
    }
}

/// Replaces every `${name}`.
fn filled(text: &str, values: &BTreeMap<String, String>) -> Result<String> {
    let mut parts = text.split("${");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let Some((name, rest)) = part.split_once('}') else { bail!("'{text}' has an open ${{") };
        let Some(value) = values.get(name) else {
            bail!("'{text}' names '{name}', which is no argument")
        };
        out += value;
        out += rest;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "
arguments:
  robot: { description: which, default: panda, choices: [panda] }
  seed: { description: which, default: '1' }
nodes:
  - name: sim
    executable: sim_node
    fast_dds_profile: config/fastdds_shm.xml
    parameter_files: ['config/${robot}/sim.yaml']
    parameters: { seed: '${seed}' }
    only_if: { robot: [panda] }
";

    #[test]
    fn arguments_fill_the_command_line() {
        let table: LaunchTable = serde_saphyr::from_str(TABLE).unwrap();
        let values = table.values(&[("seed", "7".to_owned())]).unwrap();
        let words = table.nodes[0].command_line(&values).unwrap();
        assert_eq!(words[3..], ["--params-file", "config/panda/sim.yaml", "-p", "seed:=7"]);
        assert!(table.nodes[0].wanted(&values));
        let louder = values.into_iter().chain([("log_level".to_owned(), "debug".to_owned())]);
        let words = table.nodes[0].command_line(&louder.collect()).unwrap();
        assert_eq!(words[3..5], ["--log-level", "debug"]);
        assert!(table.values(&[("robot", "toaster".to_owned())]).is_err());
        assert!(table.values(&[("colour", "red".to_owned())]).is_err());
    }

    #[test]
    fn every_scenario_of_the_repository_can_be_read() {
        let folder = crate::places::root().join("launch");
        let mut read = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "yaml") {
                let table = LaunchTable::read(&path).unwrap();
                let values = table.values(&[]).unwrap();
                for node in &table.nodes {
                    node.command_line(&values).unwrap();
                    assert!(crate::places::root().join(&node.fast_dds_profile).is_file());
                    read += 1;
                }
            }
        }
        assert!(read >= 5);
    }
}
