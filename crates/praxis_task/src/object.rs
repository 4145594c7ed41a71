use nalgebra::{Point3, Vector3};

/// Outline of an object seen from above: what a gripper that comes from above must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Footprint {
    /// A rectangle; it looks the same after half a turn.
    Rectangle,
    /// A disc; it looks the same however it is turned.
    Disc,
    /// A plus; it looks the same after a quarter turn.
    Plus,
}

impl Footprint {
    /// Footprint of a class of the tabletop network, if the class is one of its.
    pub fn of_class(class: &str) -> Option<Self> {
        match class {
            "box" => Some(Self::Rectangle),
            "cylinder" => Some(Self::Disc),
            "cross" => Some(Self::Plus),
            _ => None,
        }
    }
}

/// One object as perception tells it, standing upright; planning frame.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenObject {
    /// Track id, stable while the object is in view.
    pub id: String,
    /// Class name.
    pub class: String,
    /// Confidence, 0 to 1.
    pub score: f64,
    /// Centre of the bounding box, metres.
    pub centre_in_world: Point3<f64>,
    /// Turn of the bounding box about the vertical, radians.
    pub yaw_rad: f64,
    /// Full edge lengths of the bounding box, metres.
    pub size_m: Vector3<f64>,
}

impl SeenObject {
    /// Height of the object's top above the frame's z = 0, metres.
    pub fn top_m(&self) -> f64 {
        self.centre_in_world.z + 0.5 * self.size_m.z
    }

    /// Horizontal distance between two objects' centres, metres.
    pub fn distance_m(&self, other: &Self) -> f64 {
        (self.centre_in_world.xy() - other.centre_in_world.xy()).norm()
    }
}
