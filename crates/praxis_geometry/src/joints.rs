use nalgebra::DVector;

/// One value per joint, in an order that the owner states: radians, or metres for prismatic joints.
pub type JointVector = DVector<f64>;

/// Joint positions under their names, as they come from outside: finite, one value a name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NamedJoints {
    names: Vec<String>,
    positions: Vec<f64>,
}

/// Why a list of named joints is unusable.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NamedJointsError {
    /// Names and positions differ in number.
    #[error("{names} joint names but {positions} positions")]
    LengthMismatch {
        /// How many names.
        names: usize,
        /// How many positions.
        positions: usize,
    },
    /// A position is NaN or infinite.
    #[error("position of joint '{joint}' is {value}")]
    NotFinite {
        /// The joint.
        joint: String,
        /// What was given.
        value: f64,
    },
    /// A joint is named twice.
    #[error("joint '{joint}' is named twice")]
    Duplicate {
        /// The joint.
        joint: String,
    },
    /// A joint that is asked for is not in the list.
    #[error("no position for joint '{joint}'; got {present:?}")]
    Missing {
        /// The joint.
        joint: String,
        /// What is there.
        present: Vec<String>,
    },
}

impl NamedJoints {
    /// Checks lengths, finiteness and uniqueness.
    pub fn new(names: Vec<String>, positions: Vec<f64>) -> Result<Self, NamedJointsError> {
        if names.len() != positions.len() {
            return Err(NamedJointsError::LengthMismatch {
                names: names.len(),
                positions: positions.len(),
            });
        }
        if let Some((joint, &value)) = names.iter().zip(&positions).find(|(_, p)| !p.is_finite()) {
            return Err(NamedJointsError::NotFinite { joint: joint.clone(), value });
        }
        for (index, joint) in names.iter().enumerate() {
            if names[..index].contains(joint) {
                return Err(NamedJointsError::Duplicate { joint: joint.clone() });
            }
        }
        Ok(Self { names, positions })
    }

    /// The names, in the order given.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The positions, in the order of the names.
    pub fn positions(&self) -> &[f64] {
        &self.positions
    }

    /// Position of one joint, if it is in the list.
    pub fn get(&self, joint: &str) -> Option<f64> {
        self.names.iter().position(|name| name == joint).map(|index| self.positions[index])
    }

    /// Positions in the order of `joints`; extra joints are left out.
    pub fn in_order<S: AsRef<str>>(&self, joints: &[S]) -> Result<JointVector, NamedJointsError> {
        let mut values = JointVector::zeros(joints.len());
        for (value, joint) in values.iter_mut().zip(joints) {
            *value = self.get(joint.as_ref()).ok_or_else(|| NamedJointsError::Missing {
                joint: joint.as_ref().to_owned(),
                present: self.names.clone(),
            })?;
        }
        Ok(values)
    }

    /// Name and position pairs.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.names.iter().map(String::as_str).zip(self.positions.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn values_come_in_the_order_asked_for() {
        let joints = NamedJoints::new(names(&["a", "b", "c"]), vec![1.0, 2.0, 3.0]).unwrap();
        assert_eq!(joints.in_order(&["c", "a"]).unwrap().as_slice(), [3.0, 1.0]);
    }

    #[test]
    fn broken_lists_are_refused() {
        assert!(NamedJoints::new(names(&["a"]), vec![]).is_err());
        assert!(NamedJoints::new(names(&["a"]), vec![f64::NAN]).is_err());
        assert!(NamedJoints::new(names(&["a", "a"]), vec![0.0, 1.0]).is_err());
        let joints = NamedJoints::new(names(&["a"]), vec![0.0]).unwrap();
        assert!(matches!(joints.in_order(&["b"]), Err(NamedJointsError::Missing { .. })));
    }
}
