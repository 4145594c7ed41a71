/// How a surface looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Material {
    /// Red, green, blue in 0..1.
    pub colour: [f32; 3],
    /// Pattern over the colour.
    pub texture: Texture,
    /// Second colour of the pattern.
    pub second: [f32; 3],
    /// Strength of the highlight, 0 (chalk) to 1 (lacquer).
    pub gloss: f32,
}

/// A pattern in the object's own frame, so it moves with the object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Texture {
    /// One colour.
    Plain,
    /// Cubes of alternating colour.
    Checker {
        /// Edge of a cube, metres.
        edge_m: f32,
    },
    /// Stripes across a direction.
    Stripes {
        /// Metres from one stripe to the next of the same colour.
        period_m: f32,
        /// Direction across the stripes.
        across: [f32; 3],
    },
    /// Blotches of random brightness.
    Noise {
        /// Size of a blotch, metres.
        size_m: f32,
        /// How far the second colour shows through, 0 to 1.
        strength: f32,
    },
}

impl Material {
    /// One colour, hardly glossy.
    pub fn plain(colour: [f32; 3]) -> Self {
        Self { colour, texture: Texture::Plain, second: colour, gloss: 0.15 }
    }

    /// Colour at a point of the object's own frame.
    pub(crate) fn colour_at(&self, point: [f32; 3]) -> [f32; 3] {
        let share = match self.texture {
            Texture::Plain => 0.0,
            Texture::Checker { edge_m } => {
                let cell = |x: f32| (x / edge_m).floor() as i32;
                ((cell(point[0]) + cell(point[1]) + cell(point[2])) & 1) as f32
            }
            Texture::Stripes { period_m, across } => {
                let along = point[0] * across[0] + point[1] * across[1] + point[2] * across[2];
                f32::from(u8::from((along / period_m).rem_euclid(1.0) < 0.5))
            }
            Texture::Noise { size_m, strength } => {
                strength * value_noise(point.map(|x| x / size_m))
            }
        };
        std::array::from_fn(|c| self.colour[c] + share * (self.second[c] - self.colour[c]))
    }
}

/// Value noise: random numbers on a lattice, blended in between; 0..1.
fn value_noise(point: [f32; 3]) -> f32 {
    let base = point.map(f32::floor);
    let smooth: [f32; 3] = std::array::from_fn(|i| {
        let t = point[i] - base[i];
        t * t * (3.0 - 2.0 * t)
    });
    let cell = base.map(|x| x as i32);
    let mut sum = 0.0;
    for corner in 0..8 {
        let offset = [corner & 1, (corner >> 1) & 1, (corner >> 2) & 1];
        let mut weight = 1.0;
        for axis in 0..3 {
            weight *= if offset[axis] == 1 { smooth[axis] } else { 1.0 - smooth[axis] };
        }
        sum += weight * lattice(cell[0] + offset[0], cell[1] + offset[1], cell[2] + offset[2]);
    }
    sum
}

fn lattice(x: i32, y: i32, z: i32) -> f32 {
    let mut h = (x as u32)
        .wrapping_mul(0x8da6_b343)
        .wrapping_add((y as u32).wrapping_mul(0xd816_3841))
        .wrapping_add((z as u32).wrapping_mul(0xcb1a_b31f));
    h ^= h >> 13;
    h = h.wrapping_mul(0x5bd1_e995);
    h ^= h >> 15;
    (h & 0xffff) as f32 / 65_535.0
}
