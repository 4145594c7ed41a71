use praxis_render::Frame;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a real colour and depth sensor adds to a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// Standard deviation of the depth at one metre; it grows with the square of the distance.
    pub depth_m: f32,
    /// Share of the pixels beside a step in depth that have no depth.
    pub lost_at_edges: f32,
    /// Share of all pixels that have no depth.
    pub lost: f32,
    /// Standard deviation of each colour byte.
    pub grain: f32,
}

impl Default for Noise {
    /// A stereo depth camera of the usual kind.
    fn default() -> Self {
        Self { depth_m: 0.0015, lost_at_edges: 0.6, lost: 0.002, grain: 3.0 }
    }
}

/// Neighbouring depths that differ by more than this are an edge.
const EDGE_M: f32 = 0.015;

/// Adds noise to a picture; one seed, one noise.
pub fn spoil(frame: &mut Frame, noise: &Noise, seed: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let sharp = frame.depth_m.clone();
    for (pixel, depth) in frame.depth_m.iter_mut().enumerate() {
        let near = sharp[pixel.saturating_sub(1)];
        let above = sharp[pixel.saturating_sub(frame.width_px)];
        let edge = (*depth - near).abs().max((*depth - above).abs()) > EDGE_M;
        let lost = rng.random::<f32>() < if edge { noise.lost_at_edges } else { noise.lost };
        let shift = noise.depth_m * *depth * *depth * normal(&mut rng);
        *depth = if lost || *depth == 0.0 { 0.0 } else { *depth + shift };
    }
    for byte in &mut frame.colour {
        *byte = (f32::from(*byte) + noise.grain * normal(&mut rng)).clamp(0.0, 255.0) as u8;
    }
}

/// The sum of four even numbers is as good as normal here: no tails, but its spread is 1.
fn normal(rng: &mut ChaCha8Rng) -> f32 {
    let word: u64 = rng.random();
    let sum: f32 = (0..4).map(|part| ((word >> (16 * part)) & 0xffff) as f32 / 65_536.0).sum();
    (sum - 2.0) * 3f32.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(depth_m: f32) -> Frame {
        let (width_px, height_px) = (200, 100);
        let pixels = width_px * height_px;
        Frame {
            width_px,
            height_px,
            colour: vec![128; 3 * pixels],
            depth_m: vec![depth_m; pixels],
            instance: vec![1; pixels],
        }
    }

    #[test]
    fn depth_spreads_with_the_square_of_the_distance() {
        for depth_m in [0.5f32, 1.0, 2.0] {
            let mut frame = flat(depth_m);
            spoil(&mut frame, &Noise::default(), 7);
            let errors: Vec<f64> = frame
                .depth_m
                .iter()
                .filter(|&&found| found > 0.0)
                .map(|&found| f64::from(found - depth_m))
                .collect();
            let spread = (errors.iter().map(|e| e * e).sum::<f64>() / errors.len() as f64).sqrt();
            let expected = 0.0015 * f64::from(depth_m * depth_m);
            assert!((spread / expected - 1.0).abs() < 0.05, "{spread} at {depth_m}");
            let lost = 1.0 - errors.len() as f64 / frame.depth_m.len() as f64;
            assert!((0.0005..0.005).contains(&lost), "{lost}");
        }
    }

    #[test]
    fn most_of_an_edge_is_lost_and_one_seed_gives_one_noise() {
        let mut frame = flat(1.0);
        for (pixel, depth) in frame.depth_m.iter_mut().enumerate() {
            if pixel % 200 >= 100 {
                *depth = 1.1;
            }
        }
        let mut again = frame.clone();
        spoil(&mut frame, &Noise::default(), 3);
        spoil(&mut again, &Noise::default(), 3);
        assert_eq!(frame, again);
        let lost = (0..100).filter(|row| frame.depth_m[row * 200 + 100] == 0.0).count();
        assert!((40..80).contains(&lost), "{lost}");
    }
}
