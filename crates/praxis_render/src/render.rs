use nalgebra::{Isometry3, Matrix3, Point3, Vector3};
use praxis_geometry::Pose;

use crate::camera::Camera;
use crate::frame::Frame;
use crate::light::Light;
use crate::material::Texture;
use crate::raster::{Corner, NOTHING, ZBuffer};
use crate::scene::Scene;

const NEAREST_M: f32 = 0.02;
const SHADOW_SIDE: usize = 768;
/// The shadow map covers this far around the view's middle.
const SHADOW_REACH_M: f32 = 1.3;
const SHADOW_BIAS_M: f32 = 0.006;

/// Draws frames; keeps its buffers from one frame to the next.
#[derive(Clone, Debug, Default)]
pub struct Renderer {
    view: ZBuffer,
    shadow: ZBuffer,
    /// Normal in the world and instance of every triangle drawn.
    faces: Vec<Face>,
    corners: Vec<[f32; 3]>,
}

#[derive(Clone, Copy, Debug)]
struct Face {
    normal: [f32; 3],
    instance: u16,
}

/// Parallel view along the light: two axes across it and one along it.
struct ShadowView {
    light_from_world: Matrix3<f32>,
    offset: Vector3<f32>,
    pixels_per_m: f32,
}

impl ShadowView {
    fn new(light: &Light, middle: Point3<f32>) -> Self {
        let towards = Vector3::from(light.towards_lamp);
        let up = if towards.x.abs() + towards.y.abs() < 1e-3 { Vector3::y() } else { Vector3::z() };
        // Looking from the lamp: z points away from the lamp.
        let eye = middle + towards.normalize() * 4.0;
        let world_to_light = Isometry3::look_at_rh(&eye, &middle, &up);
        Self {
            light_from_world: world_to_light.rotation.to_rotation_matrix().into_inner(),
            offset: world_to_light.translation.vector,
            pixels_per_m: SHADOW_SIDE as f32 / (2.0 * SHADOW_REACH_M),
        }
    }

    fn corner(&self, point: Point3<f32>) -> Corner {
        let p = self.light_from_world * point.coords + self.offset;
        let half = 0.5 * SHADOW_SIDE as f32;
        // `look_at_rh` looks along -z, so z itself is nearness.
        [half + p.x * self.pixels_per_m, half - p.y * self.pixels_per_m, p.z]
    }
}

impl Renderer {
    /// Draws a scene into `frame`.
    pub fn render(&mut self, scene: &Scene, light: &Light, camera: &Camera, frame: &mut Frame) {
        frame.resize(camera.width_px, camera.height_px);
        self.view.clear(camera.width_px, camera.height_px, 0.0);
        self.shadow.clear(SHADOW_SIDE, SHADOW_SIDE, f32::NEG_INFINITY);
        self.faces.clear();

        let ahead = camera.world_from_optical * Point3::new(0.0, 0.0, 1.0);
        let shadow_view = ShadowView::new(light, ahead.cast::<f32>());
        let optical_from_world: Isometry3<f32> = camera.world_from_optical.inverse().cast();
        for (index, instance) in scene.instances.iter().enumerate() {
            if !instance.visible {
                continue;
            }
            let world_from_mesh: Isometry3<f32> = instance.world_from_mesh.cast();
            self.corners.clear();
            let place =
                |v: &[f32; 3]| -> [f32; 3] { (world_from_mesh * Point3::from(*v)).coords.into() };
            self.corners.extend(instance.mesh.vertices.iter().map(place));
            for triangle in &instance.mesh.triangles {
                let world = triangle.map(|i| Point3::from(self.corners[i as usize]));
                let normal = (world[1] - world[0]).cross(&(world[2] - world[0]));
                let length = normal.norm();
                if length < 1e-14 {
                    continue;
                }
                let face = self.faces.len() as u32;
                self.faces.push(Face { normal: (normal / length).into(), instance: index as u16 });
                self.shadow.draw(world.map(|p| shadow_view.corner(p)), face);
                let optical = world.map(|p| optical_from_world * p);
                // Seen from behind: closed surfaces hide it anyway.
                if normal
                    .dot(&(world[0].coords - camera.world_from_optical.translation.vector.cast()))
                    > 0.0
                {
                    continue;
                }
                draw_clipped(&mut self.view, camera, optical, face);
            }
        }
        self.shade(scene, light, camera, &shadow_view, frame);
    }

    fn shade(
        &self,
        scene: &Scene,
        light: &Light,
        camera: &Camera,
        shadow_view: &ShadowView,
        frame: &mut Frame,
    ) {
        let world_from_optical: Isometry3<f32> = camera.world_from_optical.cast();
        let eye = world_from_optical.translation.vector;
        let lamp = Vector3::from(light.towards_lamp).normalize();
        let [fx, fy] = [camera.fx_px as f32, camera.fy_px as f32];
        let [cx, cy] = [camera.cx_px as f32, camera.cy_px as f32];
        let axes = world_from_optical.rotation.to_rotation_matrix();
        let [right, down, forward] = [0, 1, 2].map(|axis| axes.matrix().column(axis).into_owned());
        let mesh_from_world: Vec<Isometry3<f32>> =
            scene.instances.iter().map(|i| Pose::inverse(&i.world_from_mesh).cast()).collect();
        let background = light.background.map(to_byte);

        for row in 0..camera.height_px {
            let row_ray = forward + down * ((row as f32 - cy) / fy);
            for column in 0..camera.width_px {
                let pixel = row * camera.width_px + column;
                let colour = &mut frame.colour[3 * pixel..3 * pixel + 3];
                let tag = self.view.tag[pixel];
                if tag == NOTHING {
                    colour.copy_from_slice(&background);
                    frame.depth_m[pixel] = 0.0;
                    frame.instance[pixel] = 0;
                    continue;
                }
                let face = self.faces[tag as usize];
                let depth = 1.0 / self.view.nearness[pixel];
                frame.depth_m[pixel] = depth;
                frame.instance[pixel] = face.instance + 1;

                let ray = row_ray + right * ((column as f32 - cx) / fx);
                let world = Point3::from(eye + ray * depth);
                let normal = Vector3::from(face.normal);
                let facing = normal.dot(&lamp);
                let lit = if facing > 0.0 {
                    facing * self.lit_share(shadow_view, world, normal)
                } else {
                    0.0
                };

                let material = &scene.instances[face.instance as usize].material;
                let base = match material.texture {
                    Texture::Plain => material.colour,
                    _ => {
                        let in_mesh = mesh_from_world[face.instance as usize] * world;
                        material.colour_at(in_mesh.coords.into())
                    }
                };
                let shine = if lit > 0.0 {
                    let half_way = lamp - ray / ray.norm();
                    let aligned = normal.dot(&half_way).max(0.0) / half_way.norm();
                    let power_8 = (aligned * aligned * aligned * aligned).powi(2);
                    material.gloss * lit * power_8 * power_8 * power_8
                } else {
                    0.0
                };
                // Walls of a room are darker below than the ceiling above.
                let sky = 0.85 + 0.15 * normal.z;
                for channel in 0..3 {
                    let received = light.ambient[channel] * sky + light.lamp[channel] * lit;
                    colour[channel] = to_byte(base[channel] * received + shine);
                }
            }
        }
    }

    /// Share of the lamp that reaches a point: 1 in the open, 0 in full shadow.
    fn lit_share(&self, view: &ShadowView, world: Point3<f32>, normal: Vector3<f32>) -> f32 {
        let [x, y, near] = view.corner(world + normal * 0.003);
        let side = SHADOW_SIDE as i32;
        let mut open = 0;
        for [dx, dy] in [[-0.4, -0.4], [0.6, -0.4], [-0.4, 0.6], [0.6, 0.6]] {
            // Half a pixel and 2 on top, so that the cast rounds; baseline CPUs round by a call.
            let [column, row] = [(x + dx + 2.5) as i32 - 2, (y + dy + 2.5) as i32 - 2];
            let inside = (0..side).contains(&column) && (0..side).contains(&row);
            let occluded = inside
                && self.shadow.nearness[(row * side + column) as usize] > near + SHADOW_BIAS_M;
            open += u8::from(!occluded);
        }
        f32::from(open) / 4.0
    }
}

/// Cuts a triangle at the near plane and draws what is left.
fn draw_clipped(view: &mut ZBuffer, camera: &Camera, triangle: [Point3<f32>; 3], face: u32) {
    let project = |p: Point3<f32>| -> Corner {
        [
            camera.fx_px as f32 * p.x / p.z + camera.cx_px as f32,
            camera.fy_px as f32 * p.y / p.z + camera.cy_px as f32,
            1.0 / p.z,
        ]
    };
    if triangle.iter().all(|p| p.z >= NEAREST_M) {
        view.draw(triangle.map(project), face);
        return;
    }
    let mut kept: Vec<Point3<f32>> = Vec::with_capacity(4);
    for i in 0..3 {
        let (p, q) = (triangle[i], triangle[(i + 1) % 3]);
        if p.z >= NEAREST_M {
            kept.push(p);
        }
        if (p.z >= NEAREST_M) != (q.z >= NEAREST_M) {
            kept.push(p + (q - p) * ((NEAREST_M - p.z) / (q.z - p.z)));
        }
    }
    for i in 2..kept.len() {
        view.draw([kept[0], kept[i - 1], kept[i]].map(project), face);
    }
}

fn to_byte(value: f32) -> u8 {
    (value.clamp(0.0, 1.0) * 255.0 + 0.5) as u8
}
