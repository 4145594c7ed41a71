use praxis_geometry::{Pose, Shape};
use praxis_render::{Camera, Frame, InstanceId, Light, Material, Mesh, Renderer, Scene, load_stl};
use praxis_world::{CameraMount, ObjectInstance, World};

use crate::description::{RobotDescription, SolidShape};
use crate::error::SimError;
use crate::sensor_noise::RgbdFrame;
use crate::simulator::Snapshot;

/// Shell of the arm.
const SHELL: [f32; 3] = [0.86, 0.87, 0.88];
/// Every second link, so that joints can be told apart.
const JOINT: [f32; 3] = [0.72, 0.74, 0.77];
/// Fingers.
const RUBBER: [f32; 3] = [0.22, 0.22, 0.24];

/// Finer by this along each side, for pictures.
const SMOOTH: usize = 3;

/// What can be seen of a simulation: the robot's solids, what stands fixed, and the objects.
pub struct SceneView {
    scene: Scene,
    light: Light,
    renderer: Renderer,
    frame: Frame,
    links: Vec<Placed>,
    objects: Vec<Placed>,
}

/// An instance on a body that moves.
struct Placed {
    id: InstanceId,
    body: usize,
    body_from_mesh: Pose,
}

impl SceneView {
    /// Loads all meshes. `objects` in the order in which snapshots tell their poses.
    pub fn new(
        robot: &RobotDescription,
        finger_joints: &[String],
        world: &World,
        objects: &[ObjectInstance],
    ) -> Result<Self, SimError> {
        let mut scene = Scene::default();
        for fixed in world.fixed_boxes() {
            let shape = Shape::Box { half_extents_m: 0.5 * fixed.size_m };
            let material = Material::plain(fixed.colour);
            scene.add(Mesh::of_shape(&shape), material, fixed.world_from_box);
        }
        let mut links = Vec::new();
        for (body, link) in robot.links.iter().enumerate() {
            let is_finger =
                link.joint.as_ref().is_some_and(|joint| finger_joints.contains(&joint.name));
            let colour = match (is_finger, body % 2) {
                (true, _) => RUBBER,
                (false, 0) => SHELL,
                (false, _) => JOINT,
            };
            for solid in &link.solids {
                let mesh = mesh_of(&solid.shape)?;
                let id = scene.add(mesh, Material::plain(colour), solid.link_from_solid);
                links.push(Placed { id, body, body_from_mesh: solid.link_from_solid });
            }
        }
        let mut placed = Vec::new();
        for (body, object) in objects.iter().enumerate() {
            for part in &object.parts {
                let material = Material::plain(object.colour);
                let id = scene.add(Mesh::of_shape(&part.shape), material, part.object_from_part);
                placed.push(Placed { id, body, body_from_mesh: part.object_from_part });
            }
        }
        Ok(Self {
            scene,
            light: Light::default(),
            renderer: Renderer::default(),
            frame: Frame::default(),
            links,
            objects: placed,
        })
    }

    /// What a mounted camera sees at one instant; depth outside its range is not measured.
    pub fn see(&mut self, mount: &CameraMount, snapshot: &Snapshot) -> RgbdFrame {
        let mut frame = self.draw(&camera_of(mount), snapshot);
        let [nearest_m, farthest_m] = mount.depth_range_m.map(|range_m| range_m as f32);
        for depth_m in &mut frame.depth_m {
            if !(nearest_m..=farthest_m).contains(depth_m) {
                *depth_m = 0.0;
            }
        }
        frame
    }

    /// What any camera sees at one instant.
    pub fn draw(&mut self, camera: &Camera, snapshot: &Snapshot) -> RgbdFrame {
        for (parts, bodies) in [
            (&self.links, &snapshot.world_from_links),
            (&self.objects, &snapshot.world_from_objects),
        ] {
            for part in parts {
                if let Some(world_from_body) = bodies.get(part.body) {
                    self.scene.set_pose(part.id, world_from_body * part.body_from_mesh);
                }
            }
        }
        self.renderer.render(&self.scene, &self.light, camera, &mut self.frame);
        self.copy()
    }

    /// As [`SceneView::draw`], drawn finer and averaged: smooth edges for pictures.
    pub fn draw_smoothly(&mut self, camera: &Camera, snapshot: &Snapshot) -> RgbdFrame {
        let _ = self.draw(&camera.finer(SMOOTH), snapshot);
        self.frame = self.frame.coarser(SMOOTH);
        self.copy()
    }

    fn copy(&self) -> RgbdFrame {
        RgbdFrame {
            width: self.frame.width_px,
            height: self.frame.height_px,
            rgb: self.frame.colour.clone(),
            depth_m: self.frame.depth_m.clone(),
        }
    }
}

/// The renderer's camera for a mounted one.
pub fn camera_of(mount: &CameraMount) -> Camera {
    let intrinsics = mount.intrinsics;
    Camera {
        width_px: intrinsics.width_px as usize,
        height_px: intrinsics.height_px as usize,
        fx_px: intrinsics.fx_px,
        fy_px: intrinsics.fy_px,
        cx_px: intrinsics.cx_px,
        cy_px: intrinsics.cy_px,
        world_from_optical: mount.world_from_optical,
    }
}

fn mesh_of(shape: &SolidShape) -> Result<Mesh, SimError> {
    Ok(match shape {
        SolidShape::Box(half) => Mesh::of_shape(&Shape::Box { half_extents_m: *half }),
        SolidShape::Cylinder(radius_m, length_m) => {
            Mesh::of_shape(&Shape::Cylinder { radius_m: *radius_m, length_m: *length_m })
        }
        SolidShape::Sphere(radius_m) => Mesh::of_shape(&Shape::Sphere { radius_m: *radius_m }),
        SolidShape::Mesh(path, scale) => {
            // Drawn with the mean scale; physics uses each axis's own.
            load_stl(path, scale.mean())?
        }
    })
}
