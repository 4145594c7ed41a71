//! Draws that every part of the generator makes.

use praxis_render::{Material, Texture};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Which half of the world pictures are drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// What the network is trained on.
    Train,
    /// Colours, textures and proportions that training never shows.
    HeldOut,
    /// The world file as it is: its colours, its layout of each seed, the standard light.
    Demo,
}

/// Hues (0..1) that only held-out objects have.
const HELD_OUT_HUES: [[f64; 2]; 2] = [[0.07, 0.12], [0.50, 0.56]];

pub(crate) fn even(rng: &mut ChaCha8Rng, low: f64, high: f64) -> f64 {
    low + (high - low) * rng.random::<f64>()
}

pub(crate) fn chance(rng: &mut ChaCha8Rng, share: f64) -> bool {
    rng.random::<f64>() < share
}

/// Any colour, from black to white.
pub(crate) fn any_colour(rng: &mut ChaCha8Rng) -> [f32; 3] {
    let (hue, value) = (even(rng, 0.0, 1.0), even(rng, 0.1, 1.0));
    let saturation = even(rng, 0.0, 1.0).powi(2);
    colour(hue, saturation, value)
}

/// A colour for an object: the hues of the two splits do not meet.
pub(crate) fn object_colour(rng: &mut ChaCha8Rng, split: Split) -> [f32; 3] {
    if split == Split::HeldOut {
        let [low, high] = HELD_OUT_HUES[usize::from(chance(rng, 0.5))];
        return colour(even(rng, low, high), even(rng, 0.35, 0.95), even(rng, 0.4, 1.0));
    }
    loop {
        let hue = even(rng, 0.0, 1.0);
        if HELD_OUT_HUES.iter().all(|[low, high]| !(*low..*high).contains(&hue)) {
            return colour(hue, even(rng, 0.0, 1.0), even(rng, 0.2, 1.0));
        }
    }
}

pub(crate) fn colour(hue: f64, saturation: f64, value: f64) -> [f32; 3] {
    [0.0, 1.0, 2.0].map(|channel| {
        let wave = 0.5 + 0.5 * ((hue - channel / 3.0) * std::f64::consts::TAU).cos();
        (value * (1.0 - saturation * (1.0 - wave))) as f32
    })
}

/// A material for an object: checkers are held out of training.
pub(crate) fn object_material(rng: &mut ChaCha8Rng, split: Split) -> Material {
    let mut material = Material::plain(object_colour(rng, split));
    material.second = object_colour(rng, split);
    material.gloss = even(rng, 0.0, 0.5) as f32;
    material.texture = match (split, rng.random_range(0..10)) {
        (_, 0..6) => Texture::Plain,
        (Split::HeldOut, _) => Texture::Checker { edge_m: even(rng, 0.008, 0.03) as f32 },
        (_, 6..8) => stripes(rng, 0.008, 0.05),
        _ => noise(rng, 0.005, 0.03),
    };
    material
}

/// A material for what stands around.
pub(crate) fn any_material(rng: &mut ChaCha8Rng, small_m: f64, large_m: f64) -> Material {
    let mut material = Material::plain(any_colour(rng));
    let other = any_colour(rng);
    let mix = even(rng, 0.0, 0.7) as f32;
    material.second = [0, 1, 2].map(|c| material.colour[c] + mix * (other[c] - material.colour[c]));
    material.gloss = even(rng, 0.0, 0.3) as f32;
    material.texture = match rng.random_range(0..10) {
        0..5 => Texture::Plain,
        5..7 => stripes(rng, small_m, large_m),
        _ => noise(rng, small_m, large_m),
    };
    material
}

fn stripes(rng: &mut ChaCha8Rng, small_m: f64, large_m: f64) -> Texture {
    let across = [0; 3].map(|_| even(rng, -1.0, 1.0) as f32);
    let length = across.iter().map(|x| x * x).sum::<f32>().sqrt().max(0.1);
    Texture::Stripes {
        period_m: even(rng, small_m, large_m) as f32,
        across: across.map(|x| x / length),
    }
}

fn noise(rng: &mut ChaCha8Rng, small_m: f64, large_m: f64) -> Texture {
    Texture::Noise {
        size_m: even(rng, small_m, large_m) as f32,
        strength: even(rng, 0.3, 1.0) as f32,
    }
}
