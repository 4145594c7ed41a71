use nalgebra::Point3;

/// Most cells of a grid; more points do not make it finer.
const MAX_CELLS: f32 = 120_000.0;
const LEAST_CELL_M: f32 = 0.02;
/// Distances to the nearest filled cell are counted up to this.
const FAR: u8 = 200;

/// Points that the robot must not touch, in a grid that answers "is any within r of here?".
///
/// Each cell knows how many cells away (in the largest coordinate) the nearest filled cell is, so
/// most questions end after one look.
#[derive(Clone, Debug)]
pub struct PointCloud {
    points: Vec<[f32; 3]>,
    /// Points of cell k stand at `starts[k]..starts[k + 1]`.
    starts: Vec<u32>,
    away: Vec<u8>,
    low: [f32; 3],
    counts: [usize; 3],
    cell_m: f32,
    point_radius_m: f32,
}

impl PointCloud {
    /// Sorts points (root frame, metres) into the grid; each is a ball of `point_radius_m`.
    /// Points that are not finite are left out.
    pub fn new(points: &[Point3<f32>], point_radius_m: f32) -> Self {
        let finite: Vec<[f32; 3]> = points
            .iter()
            .filter(|p| p.iter().all(|x| x.is_finite()))
            .map(|p| [p.x, p.y, p.z])
            .collect();
        let bound = |start: f32, pick: fn(f32, f32) -> f32| -> [f32; 3] {
            std::array::from_fn(|i| finite.iter().map(|p| p[i]).fold(start, pick))
        };
        let (low, high) = if finite.is_empty() {
            ([0.0; 3], [0.0; 3])
        } else {
            (bound(f32::INFINITY, f32::min), bound(f32::NEG_INFINITY, f32::max))
        };
        let extent: [f32; 3] = std::array::from_fn(|i| (high[i] - low[i]).max(LEAST_CELL_M));
        let mut cell_m = LEAST_CELL_M;
        let count = |cell_m: f32| extent.map(|edge| (edge / cell_m).floor() + 1.0);
        while count(cell_m).iter().product::<f32>() > MAX_CELLS {
            cell_m *= 1.1;
        }
        let counts = count(cell_m).map(|n| n as usize);
        let mut cloud = Self {
            points: vec![[0.0; 3]; finite.len()],
            starts: vec![0; counts.iter().product::<usize>() + 1],
            away: Vec::new(),
            low,
            counts,
            cell_m,
            point_radius_m: point_radius_m.max(0.0),
        };
        cloud.sort_in(&finite);
        cloud.away = cloud.distances();
        cloud
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Whether there is no point at all.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// Whether any point's ball touches the ball of `radius_m` around `centre`.
    pub fn any_within(&self, centre: Point3<f32>, radius_m: f32) -> bool {
        self.touches([centre.x, centre.y, centre.z], radius_m)
    }

    pub(crate) fn touches(&self, centre: [f32; 3], radius_m: f32) -> bool {
        if self.is_clear(centre, radius_m) {
            return false;
        }
        let reach = radius_m + self.point_radius_m;
        let from = self.cell(centre.map(|x| x - reach));
        let to = self.cell(centre.map(|x| x + reach));
        for x in from[0]..=to[0] {
            for y in from[1]..=to[1] {
                // Cells along z are neighbours in memory.
                let row = (x * self.counts[1] + y) * self.counts[2];
                let first = self.starts[row + from[2]] as usize;
                let last = self.starts[row + to[2] + 1] as usize;
                if self.points[first..last].iter().any(|p| squared(p, &centre) < reach * reach) {
                    return true;
                }
            }
        }
        false
    }

    /// A quick look: true only if no point's ball touches the ball.
    pub(crate) fn is_clear(&self, centre: [f32; 3], radius_m: f32) -> bool {
        if self.points.is_empty() {
            return true;
        }
        let nearest = self.cell(centre);
        let away = f32::from(self.away[self.index(nearest)]);
        // `centre` may lie outside the grid: then its nearest cell is where the look is taken.
        let clamped: [f32; 3] = std::array::from_fn(|i| {
            let high = self.low[i] + self.counts[i] as f32 * self.cell_m;
            centre[i].clamp(self.low[i], high)
        });
        let outside = squared(&clamped, &centre).sqrt();
        let reach = radius_m + self.point_radius_m + 1e-5;
        outside > reach || (away - 1.0) * self.cell_m - outside > reach
    }

    /// The point nearest to `centre`, and the distance between it and the ball's surface.
    pub(crate) fn nearest(&self, centre: [f32; 3]) -> Option<([f32; 3], f32)> {
        let of = |p: &[f32; 3]| squared(p, &centre);
        let point = self.points.iter().min_by(|a, b| of(a).total_cmp(&of(b)))?;
        Some((*point, of(point).sqrt() - self.point_radius_m))
    }

    fn cell(&self, at: [f32; 3]) -> [usize; 3] {
        // A cast to an unsigned number takes what is below zero to zero.
        std::array::from_fn(|i| {
            (((at[i] - self.low[i]) / self.cell_m) as usize).min(self.counts[i] - 1)
        })
    }

    fn index(&self, [x, y, z]: [usize; 3]) -> usize {
        (x * self.counts[1] + y) * self.counts[2] + z
    }

    fn sort_in(&mut self, points: &[[f32; 3]]) {
        let cells: Vec<usize> = points.iter().map(|p| self.index(self.cell(*p))).collect();
        for &cell in &cells {
            self.starts[cell + 1] += 1;
        }
        for k in 1..self.starts.len() {
            self.starts[k] += self.starts[k - 1];
        }
        let mut next = self.starts.clone();
        for (point, &cell) in points.iter().zip(&cells) {
            self.points[next[cell] as usize] = *point;
            next[cell] += 1;
        }
    }

    /// Steps to the nearest filled cell: the largest coordinate, one axis after the other.
    fn distances(&self) -> Vec<u8> {
        let mut away: Vec<u8> =
            self.starts.windows(2).map(|w| if w[0] < w[1] { 0 } else { FAR }).collect();
        let [nx, ny, nz] = self.counts;
        let mut sweep = |count: usize, stride: usize, firsts: &dyn Fn(usize) -> usize, n: usize| {
            let mut line = vec![FAR; count];
            for first in (0..n).map(firsts) {
                for (k, value) in line.iter_mut().enumerate() {
                    *value = away[first + k * stride];
                }
                chessboard(&mut line, &mut |k, value| away[first + k * stride] = value);
            }
        };
        sweep(nz, 1, &|k| k * nz, nx * ny);
        sweep(ny, nz, &|k| (k / nz) * ny * nz + k % nz, nx * nz);
        sweep(nx, ny * nz, &|k| k, ny * nz);
        away
    }
}

/// For each k the least of max(|k - j|, line[j]) over j.
fn chessboard(line: &mut [u8], write: &mut dyn FnMut(usize, u8)) {
    let least = |k: usize| {
        let mut best = line[k];
        let mut step = 1;
        while step < usize::from(best) {
            let below = k.checked_sub(step).map_or(FAR, |j| line[j]);
            let above = line.get(k + step).copied().unwrap_or(FAR);
            best = best.min(below.min(above).max(step as u8));
            step += 1;
            if step > line.len() {
                break;
            }
        }
        best
    };
    for k in 0..line.len() {
        write(k, least(k));
    }
}

fn squared(a: &[f32; 3], b: &[f32; 3]) -> f32 {
    (0..3).map(|i| (a[i] - b[i]) * (a[i] - b[i])).sum()
}
