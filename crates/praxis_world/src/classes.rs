use serde::{Deserialize, Serialize};

/// Two ends of an even distribution, smaller first.
pub type Range = [f64; 2];

/// A kind of object to sort: a family of shapes under one name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectClass {
    /// Name, as detections carry it.
    pub name: String,
    /// The family of shapes.
    #[serde(flatten)]
    pub shape: ClassShape,
}

/// A family of upright shapes. The object frame is the centre of the bounding box, z up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "shape", rename_all = "snake_case")]
pub enum ClassShape {
    /// A cuboid; it looks the same after half a turn.
    Box {
        /// Narrow side, along y.
        width_m: Range,
        /// Long side (along x) over narrow side.
        elongation: Range,
        /// The long side is never longer than this.
        longest_m: f64,
        /// Along z.
        height_m: Range,
    },
    /// A standing cylinder.
    Cylinder {
        /// Radius.
        radius_m: Range,
        /// Along z.
        height_m: Range,
    },
    /// A plus-shaped prism: two bars along x and y; it looks the same after a quarter turn.
    Cross {
        /// Length of both bars.
        span_m: Range,
        /// Width of both bars.
        bar_width_m: Range,
        /// Along z.
        height_m: Range,
    },
}

impl ClassShape {
    /// Turn after which the shape looks the same, radians; `None` if any turn does.
    pub fn symmetry_rad(&self) -> Option<f64> {
        match self {
            Self::Box { .. } => Some(std::f64::consts::PI),
            Self::Cylinder { .. } => None,
            Self::Cross { .. } => Some(std::f64::consts::FRAC_PI_2),
        }
    }

    /// The ranges, each with its name.
    pub(crate) fn ranges(&self) -> Vec<(&'static str, Range)> {
        match *self {
            Self::Box { width_m, elongation, longest_m, height_m } => vec![
                ("width_m", width_m),
                ("elongation", elongation),
                ("longest_m", [longest_m, longest_m]),
                ("height_m", height_m),
            ],
            Self::Cylinder { radius_m, height_m } => {
                vec![("radius_m", radius_m), ("height_m", height_m)]
            }
            Self::Cross { span_m, bar_width_m, height_m } => {
                vec![("span_m", span_m), ("bar_width_m", bar_width_m), ("height_m", height_m)]
            }
        }
    }
}
