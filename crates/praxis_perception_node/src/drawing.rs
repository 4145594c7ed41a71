//! What the network saw and what is known, drawn into the picture.

use nalgebra::{Isometry3, Point3};
use praxis_network::PixelBox;
use praxis_perception::{CameraModel, ColourImage, Perception, Track};

use crate::messages::colour_of;

/// A picture that can be drawn into.
pub struct Drawing {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

impl Drawing {
    /// A copy of a colour image.
    pub fn over(image: &ColourImage) -> Self {
        Self { width: image.width(), height: image.height(), rgb: image.to_rgb8() }
    }

    /// Thin rectangles for detections, solid edges for tracked objects.
    pub fn perception(
        mut self,
        perception: &Perception,
        camera: &CameraModel,
        world_from_camera: &Isometry3<f64>,
    ) -> Self {
        for detection in &perception.detections {
            self.rectangle(&detection.bounds, colour_of(detection.class).map(|byte| byte / 2));
        }
        let camera_from_world = world_from_camera.inverse();
        for track in &perception.objects {
            self.solid(track, camera, &camera_from_world);
        }
        self
    }

    /// Width, height and the bytes.
    pub fn into_parts(self) -> (usize, usize, Vec<u8>) {
        (self.width, self.height, self.rgb)
    }

    fn rectangle(&mut self, bounds: &PixelBox, colour: [u8; 3]) {
        let ([left, top], [right, bottom]) = (bounds.min_px, bounds.max_px);
        let corners = [[left, top], [right, top], [right, bottom], [left, bottom]];
        for index in 0..4 {
            self.line(corners[index], corners[(index + 1) % 4], colour);
        }
    }

    fn solid(&mut self, track: &Track, camera: &CameraModel, camera_from_world: &Isometry3<f64>) {
        let camera_from_object = camera_from_world * track.world_from_object();
        let half = 0.5 * track.size_m;
        let corner = |index: usize| {
            let side = |bit: usize, half: f64| if index & bit == 0 { -half } else { half };
            let point = Point3::new(side(1, half.x), side(2, half.y), side(4, half.z));
            camera.project(&(camera_from_object * point)).map(|[x, y]| [x + 0.5, y + 0.5])
        };
        let colour = colour_of(track.class);
        for index in 0..8usize {
            for bit in [1, 2, 4] {
                if index & bit == 0
                    && let (Some(from), Some(to)) = (corner(index), corner(index | bit))
                {
                    self.line(from, to, colour);
                }
            }
        }
    }

    fn line(&mut self, from: [f64; 2], to: [f64; 2], colour: [u8; 3]) {
        let longest = (to[0] - from[0]).abs().max((to[1] - from[1]).abs());
        // A corner far outside the picture is no reason to draw for ever.
        let steps = longest.ceil().clamp(1.0, 4096.0) as usize;
        for step in 0..=steps {
            let share = step as f64 / steps as f64;
            let x = from[0] + share * (to[0] - from[0]);
            let y = from[1] + share * (to[1] - from[1]);
            if x >= 0.0 && y >= 0.0 && (x as usize) < self.width && (y as usize) < self.height {
                let at = 3 * (y as usize * self.width + x as usize);
                self.rgb[at..at + 3].copy_from_slice(&colour);
            }
        }
    }
}
