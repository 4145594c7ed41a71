use std::path::Path;

use anyhow::{Context, Result};
use nalgebra::Vector3;
use praxis_render::{Camera, Frame, Light, Material, Mesh, Renderer, Scene};
use praxis_robot::Robot;
use praxis_world::FixedBox;

use crate::states::link_poses;

const SIZE_PX: [usize; 2] = [1100, 800];
/// Drawn finer by this along each side, for smooth edges.
const SMOOTH: usize = 2;
const SHELLS: [[f32; 3]; 2] = [[0.86, 0.87, 0.88], [0.72, 0.74, 0.77]];

/// Draws the robot at a state among boxes, seen from the front and above.
pub fn draw(robot: &Robot, state: &[f64], boxes: &[FixedBox], path: &Path) -> Result<()> {
    let mut scene = Scene::default();
    for fixed in boxes {
        let shape = praxis_geometry::Shape::Box { half_extents_m: 0.5 * fixed.size_m };
        scene.add(Mesh::of_shape(&shape), Material::plain(fixed.colour), fixed.world_from_box);
    }
    let mut farthest_m = 0.3_f64;
    for (index, (link, pose)) in robot.links().iter().zip(link_poses(robot, state)).enumerate() {
        farthest_m = farthest_m.max(pose.translation.vector.norm());
        for (shape, link_from_solid) in &link.collision {
            let material = Material::plain(SHELLS[index % 2]);
            scene.add(Mesh::of_shape(shape), material, pose * link_from_solid);
        }
    }
    let middle = Vector3::new(0.0, 0.0, 0.35 * farthest_m);
    let eye = middle + 2.2 * farthest_m * Vector3::new(1.0, -0.85, 0.75);
    let camera = Camera::looking_at(eye, middle, SIZE_PX, 0.75);
    let mut frame = Frame::default();
    Renderer::default().render(&scene, &Light::default(), &camera.finer(SMOOTH), &mut frame);
    let frame = frame.coarser(SMOOTH);
    write_png(&frame, path).with_context(|| format!("cannot write {}", path.display()))
}

fn write_png(frame: &Frame, path: &Path) -> Result<()> {
    let file = std::io::BufWriter::new(std::fs::File::create(path)?);
    let mut encoder = png::Encoder::new(file, frame.width_px as u32, frame.height_px as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(&frame.colour)?;
    Ok(())
}
