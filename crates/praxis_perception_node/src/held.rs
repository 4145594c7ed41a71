//! What the robot holds, as the planner's scene tells it.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use nalgebra::{Point3, Vector3};
use praxis_geometry::{Pose, Stamp};
use praxis_perception::{Carried, KnownBox};
use praxis_ros::convert::{ConvertError, FromMsg};
use praxis_ros::r2r::moveit_msgs::msg::{AttachedCollisionObject, CollisionObject, PlanningScene};
use praxis_ros::r2r::shape_msgs::msg::SolidPrimitive;
use praxis_ros::tf::TfBuffer;
use praxis_ros::{Node, RosError, topics};

/// A box around one held object, on its link.
#[derive(Clone, Debug, PartialEq)]
struct Held {
    link: String,
    link_from_box: Pose,
    size_m: Vector3<f64>,
}

impl Held {
    fn world_from_box(&self, planning_frame: &str, stamp: Stamp, tf: &TfBuffer) -> Option<Pose> {
        let world_from_link = tf
            .target_from_source(planning_frame, &self.link, stamp)
            .or_else(|_| tf.target_from_source(planning_frame, &self.link, Stamp::ZERO));
        Some(world_from_link.ok()? * self.link_from_box)
    }
}

/// Everything that the robot holds.
#[derive(Clone, Default)]
pub struct HeldObjects(Arc<Mutex<BTreeMap<String, Held>>>);

impl HeldObjects {
    /// Listens to the planner's scene.
    pub fn listen(node: &mut Node) -> Result<Self, RosError> {
        let held = Self::default();
        let ours = held.clone();
        node.listen_to(&topics::MONITORED_PLANNING_SCENE, move |scene| ours.take(&scene))?;
        Ok(held)
    }

    /// Takes a whole scene or a change of it; an object that cannot be read stays an obstacle.
    fn take(&self, scene: &PlanningScene) {
        const REMOVE: u8 = 1;
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !scene.is_diff && !scene.robot_state.is_diff {
            held.clear();
        }
        for attached in &scene.robot_state.attached_collision_objects {
            let id = &attached.object.id;
            if attached.object.operation == REMOVE {
                held.retain(|known, _| !id.is_empty() && known != id);
                continue;
            }
            match read(attached) {
                Ok(object) => {
                    held.insert(id.clone(), object);
                }
                Err(reason) => {
                    held.remove(id);
                    tracing::warn!(%id, %reason, "held object stays an obstacle");
                }
            }
        }
    }

    /// The held objects at a moment; one whose link has no transform is left out.
    pub fn boxes(&self, planning_frame: &str, stamp: Stamp, tf: &TfBuffer) -> Vec<KnownBox> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = |object: &Held| {
            let pose = object.world_from_box(planning_frame, stamp, tf)?;
            Some(KnownBox::new(&pose, &object.size_m))
        };
        held.values().filter_map(place).collect()
    }

    /// Where the held objects are at a moment, for the tracks that follow them.
    pub fn carried(&self, planning_frame: &str, stamp: Stamp, tf: &TfBuffer) -> Vec<Carried> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = |(id, object): (&String, &Held)| {
            let world_from_held = object.world_from_box(planning_frame, stamp, tf)?;
            let mut hasher = DefaultHasher::new();
            id.hash(&mut hasher);
            Some(Carried { key: hasher.finish(), world_from_held })
        };
        held.iter().filter_map(place).collect()
    }
}

fn read(attached: &AttachedCollisionObject) -> Result<Held, String> {
    let (object, link) = (&attached.object, &attached.link_name);
    let frame = &object.header.frame_id;
    if !frame.is_empty() && frame != link {
        return Err(format!("its pose is told in '{frame}', not on its link '{link}'"));
    }
    let link_from_object = Pose::from_msg(&object.pose).map_err(|error| error.to_string())?;
    let corners = corners(object).map_err(|error| error.to_string())?;
    let mut low = Vector3::repeat(f64::INFINITY);
    let mut high = -low;
    for corner in &corners {
        low = low.inf(&corner.coords);
        high = high.sup(&corner.coords);
    }
    if corners.is_empty() || !low.iter().chain(high.iter()).all(|at| at.is_finite()) {
        return Err("it has no solid".to_owned());
    }
    let middle =
        Pose::from_parts((0.5 * (low + high)).into(), nalgebra::UnitQuaternion::identity());
    Ok(Held { link: link.clone(), link_from_box: link_from_object * middle, size_m: high - low })
}

/// Corners of the boxes around its solids, in the object's own frame.
fn corners(object: &CollisionObject) -> Result<Vec<Point3<f64>>, ConvertError> {
    let mut corners = Vec::new();
    for (index, solid) in object.primitives.iter().enumerate() {
        let pose = object.primitive_poses.get(index);
        let object_from_solid = pose.map_or(Ok(Pose::identity()), Pose::from_msg)?;
        let half = half_extents(solid)?;
        for signs in 0..8 {
            let sign = |axis: usize| if signs >> axis & 1 == 0 { 1.0 } else { -1.0 };
            let corner = Point3::new(sign(0) * half[0], sign(1) * half[1], sign(2) * half[2]);
            corners.push(object_from_solid * corner);
        }
    }
    for (index, mesh) in object.meshes.iter().enumerate() {
        let pose = object.mesh_poses.get(index);
        let object_from_mesh = pose.map_or(Ok(Pose::identity()), Pose::from_msg)?;
        for vertex in &mesh.vertices {
            corners.push(object_from_mesh * Point3::from_msg(vertex)?);
        }
    }
    Ok(corners)
}

fn half_extents(solid: &SolidPrimitive) -> Result<[f64; 3], ConvertError> {
    const BOX: u8 = 1;
    const SPHERE: u8 = 2;
    const CYLINDER: u8 = 3;
    const CONE: u8 = 4;
    let half = match (solid.type_, &solid.dimensions[..]) {
        (BOX, &[x, y, z]) => [0.5 * x, 0.5 * y, 0.5 * z],
        (SPHERE, &[radius]) => [radius; 3],
        (CYLINDER | CONE, &[height, radius]) => [radius, radius, 0.5 * height],
        (kind, dimensions) => {
            return Err(ConvertError::Value {
                field: "primitive".to_owned(),
                problem: format!("of type {kind} with {} dimensions is unknown", dimensions.len()),
            });
        }
    };
    if half.iter().all(|side| side.is_finite() && *side >= 0.0) {
        Ok(half)
    } else {
        Err(ConvertError::NotFinite { field: "primitive.dimensions".to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attached(id: &str, operation: u8, sides: [f64; 3]) -> AttachedCollisionObject {
        let mut object = CollisionObject { id: id.to_owned(), operation, ..Default::default() };
        object.pose.orientation.w = 1.0;
        object.pose.position.z = 0.1;
        object.primitives.push(SolidPrimitive {
            type_: 1,
            dimensions: sides.to_vec(),
            ..Default::default()
        });
        AttachedCollisionObject {
            link_name: "hand".to_owned(),
            object,
            ..AttachedCollisionObject::default()
        }
    }

    fn scene(is_diff: bool, objects: Vec<AttachedCollisionObject>) -> PlanningScene {
        let mut scene = PlanningScene { is_diff, ..PlanningScene::default() };
        scene.robot_state.is_diff = is_diff;
        scene.robot_state.attached_collision_objects = objects;
        scene
    }

    #[test]
    fn changes_add_and_remove_and_a_whole_scene_replaces() {
        let held = HeldObjects::default();
        let count = || held.0.lock().unwrap().len();
        held.take(&scene(true, vec![attached("a", 0, [0.1, 0.2, 0.3])]));
        held.take(&scene(true, vec![attached("b", 0, [0.1; 3])]));
        assert_eq!(count(), 2);
        held.take(&scene(true, vec![attached("a", 1, [0.1; 3])]));
        assert_eq!(count(), 1);
        held.take(&scene(false, vec![attached("c", 0, [0.1, 0.2, 0.3])]));
        assert_eq!(count(), 1);
        let object = held.0.lock().unwrap()["c"].clone();
        assert_eq!(object.size_m, Vector3::new(0.1, 0.2, 0.3));
        assert_eq!(object.link_from_box.translation.z, 0.1);
    }

    #[test]
    fn without_a_transform_nothing_is_removed() {
        let held = HeldObjects::default();
        held.take(&scene(true, vec![attached("a", 0, [0.1; 3])]));
        assert!(held.boxes("world", Stamp::ZERO, &TfBuffer::default()).is_empty());
    }

    #[test]
    fn an_unreadable_object_stays_an_obstacle() {
        let held = HeldObjects::default();
        held.take(&scene(true, vec![attached("a", 0, [f64::NAN, 0.1, 0.1])]));
        assert!(held.0.lock().unwrap().is_empty());
    }
}
