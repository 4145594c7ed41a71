/// A corner on the image plane: column, row and a nearness that is linear there (1/z in a pinhole
/// view, minus distance in a parallel view); greater is nearer.
pub(crate) type Corner = [f32; 3];

/// The nearest surface at every pixel.
#[derive(Clone, Debug, Default)]
pub(crate) struct ZBuffer {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) nearness: Vec<f32>,
    /// Whatever number the triangle was drawn with.
    pub(crate) tag: Vec<u32>,
}

pub(crate) const NOTHING: u32 = u32::MAX;

impl ZBuffer {
    pub(crate) fn clear(&mut self, width: usize, height: usize, farthest: f32) {
        self.width = width;
        self.height = height;
        self.nearness.clear();
        self.nearness.resize(width * height, farthest);
        self.tag.clear();
        self.tag.resize(width * height, NOTHING);
    }

    /// Draws one triangle; pixel centres lie at whole numbers. Both sides are drawn.
    pub(crate) fn draw(&mut self, [a, b, c]: [Corner; 3], tag: u32) {
        let area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
        if area.abs() < 1e-12 || !area.is_finite() {
            return;
        }
        let low = |i: usize| a[i].min(b[i]).min(c[i]);
        let high = |i: usize| a[i].max(b[i]).max(c[i]);
        let first_row = low(1).ceil().max(0.0) as usize;
        let last_row = high(1).floor().min(self.height as f32 - 1.0);
        if last_row < 0.0 || high(0) < 0.0 || low(0) > self.width as f32 - 1.0 {
            return;
        }

        // Nearness over the plane: n(x, y) = n_a + dx (x - a.x) + dy (y - a.y).
        let dx = ((b[2] - a[2]) * (c[1] - a[1]) - (c[2] - a[2]) * (b[1] - a[1])) / area;
        let dy = ((c[2] - a[2]) * (b[0] - a[0]) - (b[2] - a[2]) * (c[0] - a[0])) / area;

        for row in first_row..=last_row as usize {
            let y = row as f32;
            let Some((left, right)) = span([a, b, c], y) else { continue };
            let first = left.ceil().max(0.0) as usize;
            let last = right.floor().min(self.width as f32 - 1.0);
            if last < first as f32 {
                continue;
            }
            let row_start = row * self.width;
            let range = row_start + first..=row_start + last as usize;
            let mut near = a[2] + dx * (first as f32 - a[0]) + dy * (y - a[1]);
            let nearness = &mut self.nearness[range.clone()];
            for (nearest, tagged) in nearness.iter_mut().zip(&mut self.tag[range]) {
                if near > *nearest {
                    *nearest = near;
                    *tagged = tag;
                }
                near += dx;
            }
        }
    }
}

/// Where the line at height `y` enters and leaves a triangle.
fn span(corners: [Corner; 3], y: f32) -> Option<(f32, f32)> {
    let mut left = f32::INFINITY;
    let mut right = f32::NEG_INFINITY;
    for (from, to) in [(0, 1), (1, 2), (2, 0)] {
        let (p, q) = (corners[from], corners[to]);
        if (p[1] <= y && q[1] >= y) || (q[1] <= y && p[1] >= y) {
            let height = q[1] - p[1];
            if height.abs() < 1e-9 {
                left = left.min(p[0].min(q[0]));
                right = right.max(p[0].max(q[0]));
            } else {
                let x = p[0] + (q[0] - p[0]) * (y - p[1]) / height;
                left = left.min(x);
                right = right.max(x);
            }
        }
    }
    (left <= right).then_some((left, right))
}
