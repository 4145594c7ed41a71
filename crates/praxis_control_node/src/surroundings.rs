//! What stands around the robot, from messages: the planning scene and measured points.

use std::collections::BTreeMap;

use nalgebra::{Point3, Vector3};
use praxis_collision::{AllowedPairs, AttachedObject, CollisionError, Scene, SceneObject};
use praxis_control::{KnownBox, Person};
use praxis_geometry::{Pose, Shape, TriangleMesh};
use praxis_motion::spheres_inside;
use praxis_ros::convert::{CloudPoints, ConvertError, FromMsg};
use praxis_ros::r2r::geometry_msgs::msg as geometry;
use praxis_ros::r2r::moveit_msgs::msg as moveit;
use praxis_ros::r2r::sensor_msgs::msg::PointCloud2;
use praxis_ros::r2r::shape_msgs::msg as shapes;
use praxis_ros::r2r::vision_msgs::msg::Detection3DArray;

/// Operations of `CollisionObject`.
const ADD: u8 = 0;
const REMOVE: u8 = 1;

/// Largest surface that is covered with spheres, square metres: what is held, and meshes. Larger
/// ones would keep the monitor busy for seconds.
const MOST_HELD_M2: f64 = 1.0;
const MOST_MESH_M2: f64 = 30.0;
/// Nothing that matters is larger or further away, metres.
const MOST_M: f64 = 1e4;

/// Why a message about the surroundings is of no use.
#[derive(Debug, thiserror::Error)]
pub enum SurroundingsError {
    /// It is told in a frame that the monitor does not know.
    #[error("{what} is in frame '{frame}'; the monitor knows {known:?}")]
    Frame {
        /// Which message or object.
        what: String,
        /// Its frame.
        frame: String,
        /// What would do.
        known: Vec<String>,
    },
    /// It makes no sense.
    #[error("{what}: {reason}")]
    Bad {
        /// Which message or object.
        what: String,
        /// Why.
        reason: String,
    },
    /// What the collision crate found.
    #[error(transparent)]
    Collision(#[from] CollisionError),
}

fn bad(what: &str, reason: impl ToString) -> SurroundingsError {
    SurroundingsError::Bad { what: what.to_owned(), reason: reason.to_string() }
}

/// The planning scene as it has been told, for the monitor.
#[derive(Debug)]
pub struct KnownWorld {
    // Frames that stand where the robot's root stands.
    root_frames: Vec<String>,
    objects: BTreeMap<String, SceneObject>,
    attached: BTreeMap<String, AttachedObject>,
    allowed: AllowedPairs,
}

impl KnownWorld {
    /// Empty; messages may be in any of `root_frames` or in none.
    pub fn new(root_frames: Vec<String>) -> Self {
        let (objects, attached) = (BTreeMap::new(), BTreeMap::new());
        Self { root_frames, objects, attached, allowed: AllowedPairs::default() }
    }

    /// Takes a scene, or the changes of one.
    pub fn apply(&mut self, message: &moveit::PlanningScene) -> Result<(), SurroundingsError> {
        if !message.is_diff {
            self.objects.clear();
            self.attached.clear();
            self.allowed = AllowedPairs::default();
        }
        for object in &message.world.collision_objects {
            self.apply_object(object)?;
        }
        for attached in &message.robot_state.attached_collision_objects {
            self.apply_attached(attached)?;
        }
        self.apply_allowed(&message.allowed_collision_matrix)
    }

    /// The scene for the monitor.
    pub fn scene(&self) -> Scene {
        Scene {
            objects: self.objects.values().cloned().collect(),
            attached: self.attached.values().cloned().collect(),
            allowed: self.allowed.clone(),
            ..Scene::default()
        }
    }

    /// Errors unless a frame stands where the robot's root stands.
    pub fn check_frame(&self, what: &str, frame: &str) -> Result<(), SurroundingsError> {
        let frame = frame.trim_start_matches('/');
        if frame.is_empty() || self.root_frames.iter().any(|known| known == frame) {
            return Ok(());
        }
        let known = self.root_frames.clone();
        Err(SurroundingsError::Frame { what: what.to_owned(), frame: frame.to_owned(), known })
    }

    fn apply_object(&mut self, message: &moveit::CollisionObject) -> Result<(), SurroundingsError> {
        let id = &message.id;
        match message.operation {
            REMOVE if id.is_empty() => self.objects.clear(),
            REMOVE => {
                self.objects.remove(id);
            }
            ADD => {
                self.check_frame(id, &message.header.frame_id)?;
                let parts = parts_of(message)?;
                self.attached.remove(id);
                self.objects.insert(id.clone(), SceneObject::new(id, &parts)?);
            }
            other => return Err(bad(id, format!("operation {other} in a told scene"))),
        }
        Ok(())
    }

    fn apply_attached(
        &mut self,
        message: &moveit::AttachedCollisionObject,
    ) -> Result<(), SurroundingsError> {
        let (object, link) = (&message.object, &message.link_name);
        let id = &object.id;
        if object.operation == REMOVE {
            match id.is_empty() {
                true => self.attached.clear(),
                false => drop(self.attached.remove(id)),
            }
            return Ok(());
        }
        let frame = object.header.frame_id.trim_start_matches('/');
        if frame != link {
            let (what, known) = (id.clone(), vec![link.clone()]);
            return Err(SurroundingsError::Frame { what, frame: frame.to_owned(), known });
        }
        let parts = parts_of(object)?;
        let surface_m2: f64 = parts.iter().map(|(shape, _)| surface_m2(shape)).sum();
        if surface_m2 > MOST_HELD_M2 {
            let reason =
                format!("has {surface_m2:.1} m² of surface; at most {MOST_HELD_M2} m² can be held");
            return Err(bad(id, reason));
        }
        // Checks the shapes.
        SceneObject::new(id, &parts)?;
        let spheres = spheres_inside(&parts);
        let held = AttachedObject::from_spheres(id, link, spheres, &message.touch_links)?;
        for touching in &message.touch_links {
            self.allowed.set(id, touching, true);
        }
        self.objects.remove(id);
        self.attached.insert(id.clone(), held);
        Ok(())
    }

    fn apply_allowed(
        &mut self,
        matrix: &moveit::AllowedCollisionMatrix,
    ) -> Result<(), SurroundingsError> {
        let names = &matrix.entry_names;
        let is_square = matrix.entry_values.len() == names.len()
            && matrix.entry_values.iter().all(|row| row.enabled.len() == names.len())
            && matrix.default_entry_names.len() == matrix.default_entry_values.len();
        if !is_square {
            return Err(bad("allowed collision matrix", "is not square"));
        }
        for (i, row) in matrix.entry_values.iter().enumerate() {
            for (j, &may_touch) in row.enabled.iter().enumerate().skip(i + 1) {
                let is_held = |a: &str, b: &str| {
                    self.attached.contains_key(a) && self.allowed.get(a, b) == Some(true)
                };
                let (a, b) = (&names[i], &names[j]);
                // The links that hold an object stay allowed.
                if may_touch || !(is_held(a, b) || is_held(b, a)) {
                    self.allowed.set(a, b, may_touch);
                }
            }
        }
        for (name, &may_touch) in
            matrix.default_entry_names.iter().zip(&matrix.default_entry_values)
        {
            self.allowed.set_default(name, may_touch);
        }
        Ok(())
    }
}

/// The parts of an object, posed as the message's header says.
fn parts_of(message: &moveit::CollisionObject) -> Result<Vec<(Shape, Pose)>, SurroundingsError> {
    let id = &message.id;
    let frame_from_object = pose_of(id, &message.pose)?;
    let part_pose = |poses: &[geometry::Pose], index: usize| {
        let object_from_part = poses.get(index).map(|pose| pose_of(id, pose)).transpose()?;
        let object_from_part = object_from_part.unwrap_or_else(Pose::identity);
        Ok::<_, SurroundingsError>(frame_from_object * object_from_part)
    };
    let mut parts = Vec::new();
    for (index, primitive) in message.primitives.iter().enumerate() {
        parts.push((solid_of(id, primitive)?, part_pose(&message.primitive_poses, index)?));
    }
    for (index, mesh) in message.meshes.iter().enumerate() {
        parts.push((surface_of(id, mesh)?, part_pose(&message.mesh_poses, index)?));
    }
    let is_far = |pose: &Pose| pose.translation.vector.iter().any(|v| v.abs() > MOST_M);
    if parts.is_empty() {
        return Err(bad(id, "has neither primitives nor meshes"));
    }
    if parts.iter().any(|(_, pose)| is_far(pose)) {
        return Err(bad(id, "is further away than 10 km"));
    }
    Ok(parts)
}

/// Surface of a shape; infinite or no number if its lengths are.
fn surface_m2(shape: &Shape) -> f64 {
    use std::f64::consts::PI;
    match shape {
        Shape::Sphere { radius_m: r } => 4.0 * PI * r * r,
        Shape::Box { half_extents_m: h } => 8.0 * (h.x * h.y + h.y * h.z + h.z * h.x),
        Shape::Cylinder { radius_m: r, length_m: l } => 2.0 * PI * r * (r + l),
        Shape::Capsule { radius_m: r, length_m: l } => 2.0 * PI * r * (2.0 * r + l),
        Shape::Mesh(mesh) => {
            let corner = |index: u32| mesh.vertices[index as usize];
            let areas = mesh.triangles.iter().map(|&[a, b, c]| {
                0.5 * (corner(b) - corner(a)).cross(&(corner(c) - corner(a))).norm()
            });
            areas.sum()
        }
    }
}

/// A pose whose quaternion may be left at zero for "no rotation".
fn pose_of(what: &str, message: &geometry::Pose) -> Result<Pose, SurroundingsError> {
    let mut message = message.clone();
    let q = &mut message.orientation;
    if [q.x, q.y, q.z, q.w] == [0.0; 4] {
        q.w = 1.0;
    }
    Pose::from_msg(&message).map_err(|error: ConvertError| bad(what, error))
}

fn solid_of(id: &str, primitive: &shapes::SolidPrimitive) -> Result<Shape, SurroundingsError> {
    let dimensions = primitive.dimensions.as_slice();
    let is_sound = |value: &f64| *value > 0.0 && *value < MOST_M;
    if !dimensions.iter().all(is_sound) {
        return Err(bad(id, format!("dimensions {dimensions:?} must be above 0 and below 10 km")));
    }
    match (primitive.type_, dimensions) {
        (1, &[x, y, z, ..]) => Ok(Shape::Box { half_extents_m: 0.5 * Vector3::new(x, y, z) }),
        (2, &[radius_m, ..]) => Ok(Shape::Sphere { radius_m }),
        (3, &[length_m, radius_m, ..]) => Ok(Shape::Cylinder { radius_m, length_m }),
        (kind, dimensions) => Err(bad(id, format!("primitive {kind} with {dimensions:?}"))),
    }
}

fn surface_of(id: &str, mesh: &shapes::Mesh) -> Result<Shape, SurroundingsError> {
    let vertices = mesh.vertices.iter().map(Point3::from_msg).collect::<Result<Vec<_>, _>>();
    let vertices = vertices.map_err(|error: ConvertError| bad(id, error))?;
    let corners = mesh.triangles.iter().map(|triangle| {
        <[u32; 3]>::try_from(triangle.vertex_indices.as_slice())
            .ok()
            .filter(|corners| corners.iter().all(|&corner| (corner as usize) < vertices.len()))
            .ok_or_else(|| bad(id, "a triangle's corner is no vertex"))
    });
    let triangles = corners.collect::<Result<Vec<_>, _>>()?;
    let shape = Shape::Mesh(std::sync::Arc::new(TriangleMesh { vertices, triangles }));
    let surface_m2 = surface_m2(&shape);
    let is_sound = surface_m2 > 0.0 && surface_m2 <= MOST_MESH_M2; // false of NaN
    match is_sound {
        true => Ok(shape),
        false => Err(bad(id, format!("a mesh of {surface_m2:.1} m²; at most {MOST_MESH_M2} m²"))),
    }
}

/// The points of a cloud; those that are not finite are left out.
pub fn points_of(message: &PointCloud2) -> Result<Vec<Point3<f32>>, SurroundingsError> {
    let cloud = CloudPoints::from_msg(message).map_err(|error| bad("point cloud", error))?;
    Ok(cloud.points.into_iter().map(Point3::from).collect())
}

/// Those of the tracked things that are of one of the classes of people.
pub fn people_of(message: &Detection3DArray, classes: &[String]) -> Vec<Person> {
    let is_person = |id: &String| classes.contains(id);
    let people = message.detections.iter().filter(|detection| {
        detection.results.iter().any(|result| is_person(&result.hypothesis.class_id))
    });
    let person = |size: &geometry::Vector3, centre: &geometry::Point| {
        let position = Point3::new(centre.x, centre.y, centre.z - 0.5 * size.z);
        let radius_m = 0.5 * size.x.hypot(size.y);
        let numbers = [position.x, position.y, position.z, radius_m, size.z];
        numbers.iter().all(|value| value.is_finite()).then_some(Person {
            position,
            radius_m,
            height_m: size.z.max(0.0),
        })
    };
    people.filter_map(|d| person(&d.bbox.size, &d.bbox.center.position)).collect()
}

/// Boxes of the tracked things that are not people, by their ids.
pub fn boxes_of(message: &Detection3DArray, people: &[String]) -> Vec<(String, KnownBox)> {
    let is_person = |id: &String| people.contains(id);
    let things = message.detections.iter().filter(|detection| {
        !detection.results.iter().any(|result| is_person(&result.hypothesis.class_id))
    });
    let known = things.filter_map(|detection| {
        let size = &detection.bbox.size;
        let half_m = [0.5 * size.x, 0.5 * size.y, 0.5 * size.z];
        let root_from_box = pose_of(&detection.id, &detection.bbox.center).ok()?;
        let is_sound = half_m.iter().all(|half| (0.0..MOST_M).contains(half));
        is_sound.then(|| (detection.id.clone(), KnownBox { root_from_box, half_m }))
    });
    known.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use praxis_ros::convert::ToMsg;

    fn boxed(id: &str, frame: &str) -> moveit::CollisionObject {
        let mut object = moveit::CollisionObject { id: id.to_owned(), ..Default::default() };
        object.header.frame_id = frame.to_owned();
        object.primitives = vec![shapes::SolidPrimitive {
            type_: 1,
            dimensions: vec![0.2, 0.2, 0.2],
            ..Default::default()
        }];
        object
    }

    fn world() -> KnownWorld {
        KnownWorld::new(vec!["world".to_owned(), "base".to_owned()])
    }

    #[test]
    fn a_scene_replaces_and_a_diff_changes() {
        let mut world = world();
        let mut scene = moveit::PlanningScene::default();
        scene.world.collision_objects = vec![boxed("a", "world"), boxed("b", "/base")];
        world.apply(&scene).unwrap();
        let ids = |world: &KnownWorld| -> Vec<String> {
            world.scene().objects.iter().map(|object| object.id().to_owned()).collect()
        };
        assert_eq!(ids(&world), ["a", "b"]);
        scene.is_diff = true;
        scene.world.collision_objects = vec![boxed("b", "")];
        scene.world.collision_objects[0].operation = REMOVE;
        world.apply(&scene).unwrap();
        assert_eq!(ids(&world), ["a"]);
        scene.world.collision_objects = vec![boxed("c", "camera")];
        let error = world.apply(&scene).unwrap_err().to_string();
        assert!(error.contains("'camera'") && error.contains("world"), "{error}");
    }

    #[test]
    fn what_is_held_may_touch_what_holds_it() {
        let mut world = world();
        let mut scene = moveit::PlanningScene::default();
        scene.robot_state.attached_collision_objects = vec![moveit::AttachedCollisionObject {
            link_name: "hand".to_owned(),
            object: boxed("cup", "hand"),
            touch_links: vec!["finger".to_owned()],
            ..Default::default()
        }];
        world.apply(&scene).unwrap();
        let scene = world.scene();
        assert_eq!((scene.objects.len(), scene.attached.len()), (0, 1));
        assert_eq!(scene.allowed.get("cup", "finger"), Some(true));
    }

    fn cloud(points: &[[f32; 3]]) -> PointCloud2 {
        CloudPoints { points: points.to_vec(), ..CloudPoints::default() }.to_msg()
    }

    #[test]
    fn points_are_read_and_broken_clouds_refused() {
        let message = cloud(&[[1.0, 2.0, 3.0], [f32::NAN, 0.0, 0.0]]);
        assert_eq!(points_of(&message).unwrap(), [Point3::new(1.0, 2.0, 3.0)]);
        assert!(points_of(&cloud(&[])).unwrap().is_empty());
        let broken = [
            PointCloud2 { data: vec![0; 20], ..message.clone() },
            PointCloud2 { row_step: u32::MAX, height: u32::MAX, ..message.clone() },
            PointCloud2 { point_step: 4, ..message.clone() },
            PointCloud2 { fields: vec![], ..message },
        ];
        for message in broken {
            assert!(points_of(&message).is_err(), "{message:?}");
        }
    }
}
