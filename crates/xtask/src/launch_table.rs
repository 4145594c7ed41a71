use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// Which nodes run with which files, parameters and remaps: read here and by `launch/table.py`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaunchTable {
    /// For people.
    #[expect(dead_code, reason = "read by people")]
    pub description: String,
    /// What a launch can be told.
    pub arguments: BTreeMap<String, Argument>,
    /// The nodes, in the order of their start.
    pub nodes: Vec<NodeEntry>,
    /// View that RViz opens.
    pub rviz: String,
    /// Where a launch makes several runs: how many. One otherwise.
    pub runs: Option<PackedRuns>,
}

/// A launch that makes several runs, as many as an argument says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackedRuns {
    /// The argument.
    pub argument: String,
    /// Most runs of a launch; more take several launches.
    pub most: u32,
    /// Runs if nothing is said.
    pub default: u32,
}

/// A table that chooses among the nodes of another one, and says what is different.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice {
    from: String,
    description: String,
    nodes: Vec<String>,
    rviz: Option<String>,
    runs: Option<PackedRuns>,
    #[serde(default)]
    arguments: BTreeMap<String, Argument>,
    #[serde(default)]
    changes: BTreeMap<String, Change>,
    #[serde(default)]
    more_nodes: Vec<NodeEntry>,
}

/// What is different about a node: it replaces or, of maps, adds to what its entry says.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Change {
    fast_dds_profile: Option<String>,
    only_if: BTreeMap<String, Vec<String>>,
    parameter_files: Option<Vec<String>>,
    parameters: BTreeMap<String, String>,
    remaps: BTreeMap<String, String>,
    respawn: Option<bool>,
    required: Option<bool>,
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
    /// Package of the program.
    #[serde(default = "ours")]
    pub package: String,
    /// Program.
    pub executable: String,
    /// File with the transports that it talks through.
    pub fast_dds_profile: Option<String>,
    /// Start it only if this argument has one of these values.
    #[serde(default)]
    pub only_if: BTreeMap<String, Vec<String>>,
    /// YAML files, later ones win.
    #[serde(default)]
    pub parameter_files: Vec<String>,
    /// Parameters beside the files; an empty value is not given.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// Names that are replaced.
    #[serde(default)]
    pub remaps: BTreeMap<String, String>,
    /// What follows on its command line.
    #[serde(default)]
    #[expect(dead_code, reason = "only nodes of other packages have them, under `ros2 launch`")]
    pub arguments: Vec<String>,
    /// Start it again when it dies.
    #[serde(default)]
    pub respawn: bool,
    /// When it ends, all others end too.
    #[serde(default)]
    pub required: bool,
}

fn ours() -> String {
    "praxis".to_owned()
}

impl LaunchTable {
    /// Reads `launch/<scenario>.yaml`.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("there is no scenario file {}", path.display()))?;
        let malformed = || format!("{} is malformed", path.display());
        if !text.lines().any(|line| line.starts_with("from:")) {
            return serde_saphyr::from_str(&text).with_context(malformed);
        }
        let choice: Choice = serde_saphyr::from_str(&text).with_context(malformed)?;
        Self::read(&path.with_file_name(&choice.from))?.chosen(choice).with_context(malformed)
    }

    fn chosen(mut self, choice: Choice) -> Result<Self> {
        let mut changes = choice.changes;
        let mut nodes = Vec::new();
        for name in &choice.nodes {
            let Some(entry) = self.nodes.iter().find(|entry| entry.name == *name) else {
                bail!("'{}' has no node '{name}'", choice.from)
            };
            nodes.push(entry.clone().changed(changes.remove(name).unwrap_or_default()));
        }
        if let Some(name) = changes.keys().next() {
            bail!("'{name}' is changed and not among its nodes");
        }
        nodes.extend(choice.more_nodes);
        self.arguments.extend(choice.arguments);
        if let Some(PackedRuns { argument, .. }) = &choice.runs
            && !self.arguments.contains_key(argument)
        {
            bail!("'{argument}' is to say how many runs a launch makes, and is no argument");
        }
        Ok(Self {
            description: choice.description,
            arguments: self.arguments,
            nodes,
            rviz: choice.rviz.unwrap_or(self.rviz),
            runs: choice.runs,
        })
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
        if let Some(robot) = values.get("robot") {
            // A robot is named by its folder: one of config/, or any other one by its path.
            let folder =
                if robot.contains('/') { robot.clone() } else { format!("config/{robot}") };
            values.insert("robot_folder".to_owned(), folder);
        }
        Ok(values)
    }
}

impl NodeEntry {
    fn changed(mut self, change: Change) -> Self {
        self.fast_dds_profile = change.fast_dds_profile.or(self.fast_dds_profile);
        self.parameter_files = change.parameter_files.unwrap_or(self.parameter_files);
        self.respawn = change.respawn.unwrap_or(self.respawn);
        self.required = change.required.unwrap_or(self.required);
        self.only_if.extend(change.only_if);
        self.parameters.extend(change.parameters);
        self.remaps.extend(change.remaps);
        self
    }

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
        if let Some(namespace) = values.get("namespace").filter(|name| !name.is_empty()) {
            words.extend(["-r".to_owned(), format!("__ns:=/{}", namespace.trim_matches('/'))]);
            // Transforms are the one thing with an absolute name.
            for name in ["tf", "tf_static"] {
                words.extend(["-r".to_owned(), format!("/{name}:={name}")]);
            }
        }
        if let Some(level) = values.get("log_level") {
            words.extend(["--log-level".to_owned(), level.clone()]);
        }
        for file in &self.parameter_files {
            words.extend(["--params-file".to_owned(), filled(file, values)?]);
        }
        for (name, value) in &self.parameters {
            let value = filled(value, values)?;
            if !value.is_empty() {
                words.extend(["-p".to_owned(), format!("{name}:={value}")]);
            }
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
description: a test
rviz: none
arguments:
  robot: { description: which, default: panda, choices: [panda] }
  seed: { description: which, default: '1' }
nodes:
  - name: sim
    executable: sim_node
    fast_dds_profile: config/fastdds_shm.xml
    parameter_files: ['${robot_folder}/sim.yaml']
    parameters: { seed: '${seed}', judge_file: '' }
    only_if: { robot: [panda] }
";

    #[test]
    fn arguments_fill_the_command_line() {
        let table: LaunchTable = serde_saphyr::from_str(TABLE).unwrap();
        let values = table.values(&[("seed", "7".to_owned())]).unwrap();
        let words = table.nodes[0].command_line(&values).unwrap();
        assert_eq!(words[3..], ["--params-file", "config/panda/sim.yaml", "-p", "seed:=7"]);
        assert_eq!(words.len(), 7, "an empty parameter is not given");
        assert!(table.nodes[0].wanted(&values));
        let louder = values.into_iter().chain([("log_level".to_owned(), "debug".to_owned())]);
        let words = table.nodes[0].command_line(&louder.collect()).unwrap();
        assert_eq!(words[3..5], ["--log-level", "debug"]);
        assert!(table.values(&[("robot", "toaster".to_owned())]).is_err());
        assert!(table.values(&[("colour", "red".to_owned())]).is_err());
    }

    #[test]
    fn a_table_chooses_among_the_nodes_of_another_and_changes_them() {
        let table: LaunchTable = serde_saphyr::from_str(TABLE).unwrap();
        let choice = "
from: test.yaml
description: another
nodes: [sim]
arguments: { poses: { description: how many, default: '20' } }
changes: { sim: { parameters: { seed: '7', reach_poses: '${poses}' } } }
";
        let chosen = table.clone().chosen(serde_saphyr::from_str(choice).unwrap()).unwrap();
        let values = chosen.values(&[("robot", "panda".to_owned())]).unwrap();
        let words = chosen.nodes[0].command_line(&values).unwrap();
        assert_eq!(words[5..], ["-p", "reach_poses:=20", "-p", "seed:=7"]);
        let wrong = choice.replace("[sim]", "[simulator]");
        assert!(table.clone().chosen(serde_saphyr::from_str(&wrong).unwrap()).is_err());
        let wrong = choice.replace("{ sim: {", "{ control: {");
        assert!(table.chosen(serde_saphyr::from_str(&wrong).unwrap()).is_err());
    }

    #[test]
    fn robots_elsewhere_are_named_by_their_folder_and_namespaces_take_the_transforms_along() {
        let table: LaunchTable =
            serde_saphyr::from_str(&TABLE.replace(", choices: [panda]", "")).unwrap();
        let mut values = table.values(&[("robot", "/tmp/arm".to_owned())]).unwrap();
        values.insert("namespace".to_owned(), "left".to_owned());
        let words = table.nodes[0].command_line(&values).unwrap().join(" ");
        assert!(words.contains("--params-file /tmp/arm/sim.yaml"), "{words}");
        assert!(words.contains("-r __ns:=/left -r /tf:=tf -r /tf_static:=tf_static"), "{words}");
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
                    if let Some(profile) = &node.fast_dds_profile {
                        assert!(crate::places::root().join(profile).is_file());
                    }
                    read += 1;
                }
            }
        }
        assert!(read >= 5);
    }
}
