use std::path::Path;

use crate::camera::CameraMount;
use crate::classes::{ObjectClass, Range};
use crate::conveyor::Conveyor;
use crate::error::WorldError;
use crate::fixed::{Bin, FixedBox};

/// Where objects start.
#[derive(Clone, Debug, PartialEq)]
pub struct SpawnArea {
    /// Centres of objects along x.
    pub x_m: Range,
    /// Centres of objects along y.
    pub y_m: Range,
    /// Outlines of objects keep at least this distance, seen from above.
    pub clearance_m: f64,
    /// How many objects of each class.
    pub objects_per_class: usize,
    /// So many of them are there, chosen by the seed; all if absent.
    pub at_most: Option<usize>,
}

impl SpawnArea {
    /// Of a world in which nothing lies about.
    pub(crate) const NONE: Self = Self {
        x_m: [0.0; 2],
        y_m: [0.0; 2],
        clearance_m: 0.0,
        objects_per_class: 0,
        at_most: None,
    };
}

/// A table-top world: checked, in metres, in the frame `world` (z = 0 is the table top).
#[derive(Clone, Debug, PartialEq)]
pub struct World {
    /// Name of the scenario.
    pub name: String,
    /// Table, walls: everything fixed that is no bin.
    pub fixed: Vec<FixedBox>,
    /// The fixed box that carries what stands on it, if there is one.
    pub conveyor: Option<Conveyor>,
    /// Where objects go.
    pub bins: Vec<Bin>,
    /// Where objects come from.
    pub spawn: SpawnArea,
    /// What objects there are.
    pub classes: Vec<ObjectClass>,
    /// Mass of an object.
    pub mass_kg: Range,
    /// What looks on.
    pub camera: CameraMount,
}

impl World {
    /// Reads and checks a world file.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, WorldError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .map_err(|source| WorldError::Unreadable { path: path.to_owned(), source })?;
        Self::from_yaml(&text)
    }

    /// Every box that never moves, the bins' floors and walls included.
    pub fn fixed_boxes(&self) -> Vec<FixedBox> {
        let mut boxes = self.fixed.clone();
        boxes.extend(self.bins.iter().flat_map(Bin::boxes));
        boxes
    }

    /// The bin for a class, if there is one.
    pub fn bin_for(&self, class: &str) -> Option<&Bin> {
        self.bins.iter().find(|bin| bin.class == class)
    }
}
