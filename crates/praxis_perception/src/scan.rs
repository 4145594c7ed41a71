//! A depth picture as points in the planning frame.

use std::ops::Range;

use nalgebra::{Matrix3, Point3, Vector3};
use praxis_geometry::Pose;

use crate::{CameraModel, DepthImage, PerceptionError};

/// Ray directions of every pixel, kept from frame to frame.
#[derive(Clone, Debug)]
pub(crate) struct RayTable {
    camera: CameraModel,
    /// x and y of the ray with z = 1, row by row.
    rays: Vec<[f32; 2]>,
}

impl RayTable {
    pub fn new(camera: &CameraModel) -> Self {
        let mut rays = Vec::with_capacity(camera.width() * camera.height());
        for row in 0..camera.height() {
            for column in 0..camera.width() {
                let ray = camera.ray([column as f64, row as f64]);
                rays.push([ray.x as f32, ray.y as f32]);
            }
        }
        Self { camera: camera.clone(), rays }
    }
}

/// The tables of a few cameras, kept from frame to frame.
#[derive(Clone, Debug, Default)]
pub(crate) struct RayTables(Vec<RayTable>);

impl RayTables {
    /// The table of a camera as this depth picture shows it, to be given back by
    /// [`RayTables::keep`].
    ///
    /// # Errors
    /// When the picture is none of the camera's.
    pub fn take(
        &mut self,
        camera: &CameraModel,
        depth: &DepthImage,
    ) -> Result<RayTable, PerceptionError> {
        let camera = camera.for_size("depth", depth.width(), depth.height())?;
        let known = self.0.iter().position(|table| table.camera == camera);
        Ok(known.map_or_else(|| RayTable::new(&camera), |index| self.0.remove(index)))
    }

    /// Keeps a table for the camera's next picture; that of the camera that was silent longest goes.
    pub fn keep(&mut self, table: RayTable) {
        const CAMERAS: usize = 8;
        if self.0.len() >= CAMERAS {
            self.0.remove(0);
        }
        self.0.push(table);
    }
}

/// A depth picture as points in the planning frame, computed where they are asked for.
#[derive(Clone, Copy)]
pub(crate) struct Scan<'a> {
    depth: &'a DepthImage,
    table: &'a RayTable,
    world_from_camera: &'a Pose,
    matrix: Matrix3<f64>,
    rotation: [[f32; 3]; 3],
    origin: [f32; 3],
}

impl<'a> Scan<'a> {
    /// `depth` must have the size of the table's camera.
    pub fn new(depth: &'a DepthImage, table: &'a RayTable, world_from_camera: &'a Pose) -> Self {
        debug_assert_eq!(
            (depth.width(), depth.height()),
            (table.camera.width(), table.camera.height())
        );
        let matrix = world_from_camera.rotation.to_rotation_matrix().into_inner();
        let rotation = [0, 1, 2].map(|row| [0, 1, 2].map(|column| matrix[(row, column)] as f32));
        let origin = [0, 1, 2].map(|axis| world_from_camera.translation.vector[axis] as f32);
        Self { depth, table, world_from_camera, matrix, rotation, origin }
    }

    pub fn width(&self) -> usize {
        self.depth.width()
    }

    pub fn height(&self) -> usize {
        self.depth.height()
    }

    pub fn camera(&self) -> &CameraModel {
        &self.table.camera
    }

    /// Depth along the optical axis; NaN for a hole.
    #[inline]
    pub fn depth_m(&self, column: usize, row: usize) -> f32 {
        self.depth.at(column, row)
    }

    /// The point of a pixel in the planning frame; NaN for a hole.
    #[inline]
    pub fn point(&self, column: usize, row: usize) -> [f32; 3] {
        let at = row * self.depth.width() + column;
        self.placed(self.table.rays[at], self.depth.at(column, row))
    }

    /// The points of some neighbouring pixels of a row.
    pub fn points(&self, columns: Range<usize>, row: usize) -> impl Iterator<Item = [f32; 3]> {
        let first = row * self.depth.width();
        let rays = &self.table.rays[first + columns.start..first + columns.end];
        let depths = &self.depth.row(row)[columns];
        rays.iter().zip(depths).map(|(&ray, &depth)| self.placed(ray, depth))
    }

    #[inline]
    fn placed(&self, [x, y]: [f32; 2], depth: f32) -> [f32; 3] {
        let camera = [x * depth, y * depth, depth];
        [0, 1, 2].map(|axis| {
            let r = &self.rotation[axis];
            r[0] * camera[0] + r[1] * camera[1] + r[2] * camera[2] + self.origin[axis]
        })
    }

    /// Where the ray of a pixel meets the height `z`; none when it never does.
    pub fn pixel_at_height(&self, column: usize, row: usize, z: f64) -> Option<[f64; 2]> {
        let [x, y] = self.table.rays[row * self.depth.width() + column].map(f64::from);
        let [a, b, c] = [0, 1, 2].map(|axis| {
            self.matrix[(axis, 0)] * x + self.matrix[(axis, 1)] * y + self.matrix[(axis, 2)]
        });
        let eye = &self.world_from_camera.translation.vector;
        let travel = (z - eye.z) / c;
        (travel.is_finite() && travel > 0.0).then(|| [eye.x + a * travel, eye.y + b * travel])
    }

    /// Where the ray of a pixel coordinate meets the height `z`; none when it never does.
    pub fn at_height(&self, pixel: [f64; 2], z: f64) -> Option<Point3<f64>> {
        ray_at_height(self.camera(), self.world_from_camera, pixel, z)
    }
}

/// Where the ray of a pixel coordinate meets the height `z_m`; none when it never does.
pub(crate) fn ray_at_height(
    camera: &CameraModel,
    world_from_camera: &Pose,
    pixel: [f64; 2],
    z_m: f64,
) -> Option<Point3<f64>> {
    let direction: Vector3<f64> = world_from_camera.rotation * camera.ray(pixel);
    let origin = Point3::from(world_from_camera.translation.vector);
    let travel = (z_m - origin.z) / direction.z;
    (travel.is_finite() && travel > 0.0).then(|| origin + direction * travel)
}
