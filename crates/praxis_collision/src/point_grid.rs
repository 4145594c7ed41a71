use crate::lanes::WIDTH;

/// Most cells of the grid; more points do not make it finer.
const MAX_CELLS: f32 = 120_000.0;
const LEAST_CELL_M: f32 = 0.02;
/// Points of some cells, row by row: cells along z are neighbours in memory.
pub(crate) struct Rows<'a> {
    starts: &'a [u32],
    counts: [usize; 3],
    from: [usize; 3],
    to: [usize; 3],
    x: usize,
    y: usize,
}

impl Rows<'_> {
    /// The first point of the next row that has any, and the one beyond its last.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> Option<(usize, usize)> {
        while self.x <= self.to[0] {
            let row = (self.x * self.counts[1] + self.y) * self.counts[2];
            let first = self.starts[row + self.from[2]] as usize;
            let last = self.starts[row + self.to[2] + 1] as usize;
            self.y += 1;
            if self.y > self.to[1] {
                (self.x, self.y) = (self.x + 1, self.from[1]);
            }
            if first < last {
                return Some((first, last));
            }
        }
        None
    }
}

/// Equal cells, side by side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    pub(crate) low: [f32; 3],
    pub(crate) cell_m: f32,
    /// Cells in a metre.
    per_m: f32,
    pub(crate) counts: [usize; 3],
}

impl Grid {
    /// Cells around all points, as small as allowed.
    pub(crate) fn around(points: &[[f32; 3]]) -> Self {
        let bound = |start: f32, pick: fn(f32, f32) -> f32| -> [f32; 3] {
            std::array::from_fn(|i| points.iter().map(|p| p[i]).fold(start, pick))
        };
        let (low, high) = if points.is_empty() {
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
        Self { low, cell_m, per_m: 1.0 / cell_m, counts: count(cell_m).map(|n| n as usize) }
    }

    /// Cells that are so many times as long.
    pub(crate) fn merged(&self, cells: usize) -> Self {
        Self {
            low: self.low,
            cell_m: self.cell_m * cells as f32,
            per_m: self.per_m / cells as f32,
            counts: self.counts.map(|count| count.div_ceil(cells)),
        }
    }

    /// The bins of points in cells cut so many times along each axis, sorted along x; and the
    /// cells that hold any, sorted likewise.
    pub(crate) fn bins(
        &self,
        points: &[[f32; 3]],
        bins_a_cell: usize,
    ) -> (Vec<[u32; 3]>, Vec<[u32; 3]>) {
        let [nx, ny, nz] = self.counts;
        let per_m = self.per_m * bins_a_cell as f32;
        let last = self.counts.map(|count| (count * bins_a_cell - 1) as u32);
        let bin =
            |p: &[f32; 3]| [0, 1, 2].map(|i| (((p[i] - self.low[i]) * per_m) as u32).min(last[i]));
        let bins: Vec<[u32; 3]> = points.iter().map(bin).collect();
        let a_cell = bins_a_cell as u32;
        let mut next = vec![0_usize; nx * bins_a_cell + 1];
        let mut has_any = vec![false; nx * ny * nz];
        for bin in &bins {
            next[bin[0] as usize + 1] += 1;
            let [x, y, z] = bin.map(|place| (place / a_cell) as usize);
            has_any[(x * ny + y) * nz + z] = true;
        }
        for x in 1..next.len() {
            next[x] += next[x - 1];
        }
        let mut sorted = vec![[0; 3]; bins.len()];
        for bin in &bins {
            let next = &mut next[bin[0] as usize];
            sorted[*next] = *bin;
            *next += 1;
        }
        let cell = |k: usize| [k / (ny * nz), k / nz % ny, k % nz].map(|n| n as u32);
        let filled = (0..has_any.len()).filter(|&k| has_any[k]).map(cell).collect();
        (sorted, filled)
    }

    /// The rows of cells along z in a box, of which the points of cell k stand at `starts[k]` to
    /// `starts[k + 1]`.
    #[inline(always)]
    pub(crate) fn rows<'a>(&self, starts: &'a [u32], low: [f32; 3], high: [f32; 3]) -> Rows<'a> {
        let (from, to) = (self.cell(low), self.cell(high));
        Rows { starts, counts: self.counts, from, to, x: from[0], y: from[1] }
    }

    #[inline(always)]
    fn cell(&self, at: [f32; 3]) -> [usize; 3] {
        // A cast to an unsigned number takes what is below zero to zero.
        let along =
            |i: usize| (((at[i] - self.low[i]) * self.per_m) as usize).min(self.counts[i] - 1);
        [along(0), along(1), along(2)]
    }

    /// Coordinates of the points, cell by cell, and where each cell's begin.
    pub(crate) fn sorted(&self, points: &[[f32; 3]]) -> ([Vec<f32>; 3], Vec<u32>) {
        let [_, ny, nz] = self.counts;
        let index = |p: &[f32; 3]| {
            let [x, y, z] = self.cell(*p);
            (x * ny + y) * nz + z
        };
        let cells: Vec<usize> = points.iter().map(index).collect();
        let mut starts = vec![0_u32; self.counts.iter().product::<usize>() + 1];
        for &cell in &cells {
            starts[cell + 1] += 1;
        }
        for k in 1..starts.len() {
            starts[k] += starts[k - 1];
        }
        let mut sorted = [0, 1, 2].map(|_| vec![f32::INFINITY; points.len() + WIDTH]);
        let mut next = starts.clone();
        for (point, &cell) in points.iter().zip(&cells) {
            for (values, value) in sorted.iter_mut().zip(point) {
                values[next[cell] as usize] = *value;
            }
            next[cell] += 1;
        }
        (sorted, starts)
    }
}
