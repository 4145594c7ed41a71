/// What a camera sees, row by row from the top left.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    /// Columns.
    pub width_px: usize,
    /// Rows.
    pub height_px: usize,
    /// Red, green, blue; three bytes a pixel.
    pub colour: Vec<u8>,
    /// Distance along the optical axis in metres; 0 where nothing is.
    pub depth_m: Vec<f32>,
    /// Index of the instance seen, plus one; 0 where nothing is.
    pub instance: Vec<u16>,
}

impl Frame {
    pub(crate) fn resize(&mut self, width_px: usize, height_px: usize) {
        let pixels = width_px * height_px;
        self.width_px = width_px;
        self.height_px = height_px;
        self.colour.resize(3 * pixels, 0);
        self.depth_m.resize(pixels, 0.0);
        self.instance.resize(pixels, 0);
    }

    /// A frame with `factor` times fewer pixels along each side: colours averaged, depth and
    /// instance of the middle pixel (averages of depths over an edge would lie in mid-air).
    pub fn coarser(&self, factor: usize) -> Self {
        let mut coarse = Self::default();
        coarse.resize(self.width_px / factor, self.height_px / factor);
        let area = (factor * factor) as u32;
        for row in 0..coarse.height_px {
            for column in 0..coarse.width_px {
                let to = row * coarse.width_px + column;
                for channel in 0..3 {
                    let mut sum = 0;
                    for y in 0..factor {
                        for x in 0..factor {
                            let from = (row * factor + y) * self.width_px + column * factor + x;
                            sum += u32::from(self.colour[3 * from + channel]);
                        }
                    }
                    coarse.colour[3 * to + channel] = (sum / area) as u8;
                }
                let middle = factor / 2;
                let from = (row * factor + middle) * self.width_px + column * factor + middle;
                coarse.depth_m[to] = self.depth_m[from];
                coarse.instance[to] = self.instance[from];
            }
        }
        coarse
    }
}
