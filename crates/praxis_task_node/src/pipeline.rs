//! What the node knows before it starts: bins and named states. No ROS.

use std::collections::BTreeMap;
use std::path::Path;

use praxis_task::Bin;
use praxis_world::World;

/// Why the task cannot be configured.
#[derive(Debug, thiserror::Error)]
pub enum ConfigureError {
    /// The world file is unusable.
    #[error(transparent)]
    World(#[from] praxis_world::WorldError),
    /// The SRDF cannot be read.
    #[error("cannot read the SRDF {file}: {problem}")]
    Srdf {
        /// The file.
        file: String,
        /// Why.
        problem: String,
    },
    /// A range that is none.
    #[error("parameter '{name}' is {found:?}, must be two numbers, the lower one first")]
    NoRange {
        /// The parameter.
        name: &'static str,
        /// What was given.
        found: Vec<f64>,
    },
    /// A state that the SRDF does not have.
    #[error("group '{group}' has no state '{state}'; it has {known:?}")]
    NoState {
        /// The group.
        group: String,
        /// The state asked for.
        state: String,
        /// The states there are.
        known: Vec<String>,
    },
}

/// Bins of a world file.
pub fn bins_of(world_file: &str) -> Result<Vec<Bin>, ConfigureError> {
    let world = World::read(Path::new(world_file))?;
    let bin = |bin: &praxis_world::Bin| Bin {
        id: bin.id.clone(),
        class: bin.class.clone(),
        floor_centre_in_world: bin.floor_centre_in_world,
        inner_size_m: bin.inner_size_m.xy(),
    };
    Ok(world.bins.iter().map(bin).collect())
}

/// Names of the classes of a world file.
pub fn classes_of(world_file: &str) -> Result<Vec<String>, ConfigureError> {
    let world = World::read(Path::new(world_file))?;
    Ok(world.classes.iter().map(|class| class.name.clone()).collect())
}

/// Ids of the walls and the floor of every bin of a world file.
pub fn bin_parts_of(world_file: &str) -> Result<BTreeMap<String, Vec<String>>, ConfigureError> {
    let world = World::read(Path::new(world_file))?;
    let parts = |bin: &praxis_world::Bin| bin.boxes().into_iter().map(|part| part.id).collect();
    Ok(world.bins.iter().map(|bin| (bin.id.clone(), parts(bin))).collect())
}

/// Named states of one group.
#[derive(Clone, Debug)]
pub struct NamedStates {
    group: String,
    states: BTreeMap<String, Vec<(String, f64)>>,
}

impl NamedStates {
    /// Reads the states of a group from an SRDF file.
    pub fn read(file: &str, group: &str) -> Result<Self, ConfigureError> {
        let broken = |problem: String| ConfigureError::Srdf { file: file.to_owned(), problem };
        let text = std::fs::read_to_string(file).map_err(|error| broken(error.to_string()))?;
        Self::parse(&text, group).map_err(broken)
    }

    fn parse(text: &str, group: &str) -> Result<Self, String> {
        let document = roxmltree::Document::parse(text).map_err(|error| error.to_string())?;
        let mut states = BTreeMap::new();
        let of_group = document
            .descendants()
            .filter(|n| n.has_tag_name("group_state") && n.attribute("group") == Some(group));
        for node in of_group {
            let name = node.attribute("name").ok_or("a <group_state> has no name")?;
            let joints = node
                .children()
                .filter(|child| child.has_tag_name("joint"))
                .map(|joint| {
                    let name = joint.attribute("name").ok_or("a <joint> has no name")?;
                    let value = joint.attribute("value").and_then(|v| v.trim().parse::<f64>().ok());
                    let value = value.filter(|v| v.is_finite());
                    let value = value.ok_or_else(|| format!("joint '{name}' has no value"))?;
                    Ok::<_, String>((name.to_owned(), value))
                })
                .collect::<Result<Vec<_>, String>>()?;
            states.insert(name.to_owned(), joints);
        }
        Ok(Self { group: group.to_owned(), states })
    }

    /// Joint positions of a state.
    pub fn positions(&self, state: &str) -> Result<Vec<(String, f64)>, ConfigureError> {
        self.states.get(state).cloned().ok_or_else(|| ConfigureError::NoState {
            group: self.group.clone(),
            state: state.to_owned(),
            known: self.states.keys().cloned().collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_of_the_group_are_found_and_missing_ones_named() {
        let text = r#"<robot name="r"><group_state name="ready" group="arm"><joint name="a" value="1.5"/></group_state>
            <group_state name="open" group="hand"><joint name="f" value="0"/></group_state></robot>"#;
        let states = NamedStates::parse(text, "arm").unwrap();
        assert_eq!(states.positions("ready").unwrap(), [("a".to_owned(), 1.5)]);
        let error = states.positions("open").unwrap_err().to_string();
        assert!(error.contains("it has [\"ready\"]"), "{error}");
        assert!(NamedStates::parse("<robot", "arm").is_err());
    }
}
