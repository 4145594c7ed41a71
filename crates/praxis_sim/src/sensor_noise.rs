use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// One colour frame with depth aligned to it, row by row from the top left.
#[derive(Clone, Debug, PartialEq)]
pub struct RgbdFrame {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Red, green, blue of each pixel.
    pub rgb: Vec<u8>,
    /// Distance along the optical axis in metres; 0 where nothing was measured.
    pub depth_m: Vec<f32>,
}

/// How a depth camera errs.
#[derive(Clone, Debug, PartialEq)]
pub struct SensorNoise {
    /// Standard deviation of each colour value.
    pub colour_sigma: f32,
    /// Standard deviation of depth at 1 m, metres; it grows with the square of the distance.
    pub depth_sigma_at_1_m: f32,
    /// A step of depth between neighbours larger than this is an edge, metres.
    pub edge_m: f32,
    /// Share of edge pixels without depth.
    pub edge_dropout: f32,
    /// Share of all pixels without depth.
    pub dropout: f32,
}

impl Default for SensorNoise {
    fn default() -> Self {
        Self {
            colour_sigma: 3.0,
            depth_sigma_at_1_m: 0.0015,
            edge_m: 0.015,
            edge_dropout: 0.6,
            dropout: 0.002,
        }
    }
}

impl SensorNoise {
    /// Spoils a frame; one seed, one spoiling.
    pub fn apply(&self, frame: &mut RgbdFrame, seed: u64) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        // A table of normal numbers read from random places: thousands of times cheaper than
        // drawing a million of them for every frame.
        let table: Vec<f32> = (0..4096).map(|_| normal(&mut rng)).collect();
        let edges = self.edges(frame);

        let mut word = rng.random::<u64>();
        let mut next = move || {
            word ^= word << 13;
            word ^= word >> 7;
            word ^= word << 17;
            word
        };
        for (pixel, depth_m) in frame.depth_m.iter_mut().enumerate() {
            let bits = next();
            let normals = [0, 12, 24, 36].map(|shift| table[(bits >> shift) as usize & 4095]);
            for (channel, grain) in normals[..3].iter().enumerate() {
                let value = &mut frame.rgb[3 * pixel + channel];
                *value =
                    (f32::from(*value) + self.colour_sigma * grain).round().clamp(0.0, 255.0) as u8;
            }
            let share = (bits >> 48) as f32 / 65536.0;
            let lost = if edges[pixel] { self.edge_dropout } else { self.dropout };
            *depth_m = if share < lost || *depth_m <= 0.0 {
                0.0
            } else {
                *depth_m + self.depth_sigma_at_1_m * *depth_m * *depth_m * normals[3]
            };
        }
    }

    /// Pixels beside a step of depth.
    fn edges(&self, frame: &RgbdFrame) -> Vec<bool> {
        let (width, depth) = (frame.width, &frame.depth_m);
        let mut edges = vec![false; depth.len()];
        for pixel in 0..depth.len() {
            for neighbour in [pixel + 1, pixel + width] {
                let wraps = neighbour == pixel + 1 && neighbour.is_multiple_of(width);
                if neighbour < depth.len()
                    && !wraps
                    && (depth[pixel] - depth[neighbour]).abs() > self.edge_m
                {
                    edges[pixel] = true;
                    edges[neighbour] = true;
                }
            }
        }
        edges
    }
}

/// Box-Muller.
fn normal(rng: &mut ChaCha8Rng) -> f32 {
    let radius = (-2.0 * (1.0 - rng.random::<f32>()).ln()).sqrt();
    radius * (std::f32::consts::TAU * rng.random::<f32>()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(depth_m: impl Fn(usize) -> f32) -> RgbdFrame {
        let (width, height) = (200, 200);
        RgbdFrame {
            width,
            height,
            rgb: vec![128; 3 * width * height],
            depth_m: (0..width * height).map(|pixel| depth_m(pixel % width)).collect(),
        }
    }

    fn sigma(depth_m: f32) -> f32 {
        let mut frame = frame(|_| depth_m);
        SensorNoise { dropout: 0.0, ..SensorNoise::default() }.apply(&mut frame, 1);
        let errors = frame.depth_m.iter().map(|value| (value - depth_m).powi(2));
        (errors.sum::<f32>() / frame.depth_m.len() as f32).sqrt()
    }

    #[test]
    fn depth_noise_grows_with_the_square_of_the_distance() {
        assert!((sigma(1.0) - 0.0015).abs() < 1e-4, "{}", sigma(1.0));
        assert!((sigma(2.0) / sigma(1.0) - 4.0).abs() < 0.2);
    }

    #[test]
    fn depth_is_lost_at_edges_and_repeats_by_seed() {
        let sharp = frame(|column| if column < 100 { 1.0 } else { 1.5 });
        let (mut once, mut again) = (sharp.clone(), sharp);
        SensorNoise::default().apply(&mut once, 5);
        SensorNoise::default().apply(&mut again, 5);
        assert_eq!(once, again);
        let lost =
            |column: usize| (0..200).filter(|row| once.depth_m[row * 200 + column] == 0.0).count();
        assert!((80..=160).contains(&lost(99)), "{}", lost(99));
        assert!(lost(50) < 10);
    }
}
