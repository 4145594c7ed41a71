/// One lamp far away, and light from everywhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Light {
    /// Towards the lamp, world frame; need not have unit length.
    pub towards_lamp: [f32; 3],
    /// Brightness of the lamp, red, green, blue; 1 shows full colours face on.
    pub lamp: [f32; 3],
    /// Brightness from everywhere.
    pub ambient: [f32; 3],
    /// What is seen where nothing stands.
    pub background: [f32; 3],
}

impl Default for Light {
    fn default() -> Self {
        Self {
            towards_lamp: [0.35, -0.45, 1.0],
            lamp: [0.75, 0.74, 0.70],
            ambient: [0.36, 0.37, 0.40],
            background: [0.55, 0.60, 0.66],
        }
    }
}
