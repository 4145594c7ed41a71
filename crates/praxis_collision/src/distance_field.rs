use crate::instructions::Instructions;
use crate::lanes::{Lanes, Triple};

/// Vertices to each side of a bin that are told their distance to it; farther ones keep the cap.
const WINDOW: usize = 6;
/// Vertices in a window along z: a whole number of registers.
const ROW: usize = 16;
const BEFORE: usize = ROW / 2 - 1;
/// Most slices of a cell along x whose bins are taken together: each costs a pass over the field.
const MOST_SLICES: usize = 8;

/// Distances to points from the vertices of a grid: bounds from below on the distance from anywhere.
///
/// With d(x) the distance from x to the nearest point p, d²(x) − |x|² is the least of |p|² − 2 p·x
/// over all p: a concave function, no less in a cell than what its corners give by trilinear
/// interpolation. The same interpolation makes of |x|² too much by s² t (1 − t) for each axis (s the
/// edge of a cell, t the share of it), so
///
/// d²(x) ≥ interpolated d² − s² Σ t (1 − t).
///
/// That holds with bounds from below at the corners, too: they are the distances to the bins that
/// hold points, exact up to a cap but for rounding.
#[derive(Clone, Debug)]
pub(crate) struct DistanceField {
    low: [f32; 3],
    cell_m: f32,
    /// Cells along each axis; there is one more vertex.
    cells: [usize; 3],
    /// Distances of each vertex and its neighbours along x and y, a byte each and rounded down: x
    /// is the lower bit of the byte's number, y the upper one. With the next value along z that is
    /// all corners of a cell.
    corners: Vec<u32>,
    /// Metres in one of them.
    unit_m: f32,
    /// Distances are told up to this, metres.
    most_m: f32,
}

impl DistanceField {
    /// A field over cells of `cell_m` from `low`, each cut into `bins_a_cell` bins along each axis.
    /// It is made fastest from filled bins that are sorted by the cell they are in along x.
    pub(crate) fn new(
        low: [f32; 3],
        cell_m: f32,
        cells: [usize; 3],
        bins_a_cell: usize,
        filled: &[[u32; 3]],
    ) -> Self {
        let vertices = cells.map(|count| count + 1);
        let squared = Instructions::best().squared_distances(vertices, bins_a_cell, filled);
        let most_m = cell_m * WINDOW as f32;
        let corners = corners_of(vertices, &distances_in_bytes(&squared, bins_a_cell));
        Self { low, cell_m, cells, corners, unit_m: most_m / f32::from(u8::MAX), most_m }
    }

    /// No distance is told to be more than this, metres.
    pub(crate) fn most_m(&self) -> f32 {
        self.most_m
    }

    /// Squared distance to the nearest point, at least; may be below zero. Beyond the grid counts
    /// the nearest place in it: the points are all on the other side, so that what is squared adds.
    #[inline(always)]
    pub(crate) fn squared_at_least<L: Lanes>(&self, at: &Triple<L>) -> L {
        let (zero, one) = (L::splat(0.0), L::splat(1.0));
        let mut corner = [zero; 3];
        let mut share = [zero; 3];
        let mut beyond = zero;
        let mut bulge = zero;
        for i in 0..3 {
            let count = self.cells[i] as f32;
            let place = (at[i] - L::splat(self.low[i])) * L::splat(1.0 / self.cell_m);
            let inside = place.max(zero).min(L::splat(count));
            let out = place - inside;
            beyond = out.mul_add(out, beyond);
            corner[i] = inside.floor().min(L::splat(count - 1.0));
            share[i] = inside - corner[i];
            bulge = share[i].mul_add(one - share[i], bulge);
        }
        let [nx, ny] = [(self.cells[1] + 1) * (self.cells[2] + 1), self.cells[2] + 1]
            .map(|stride| L::splat(stride as f32));
        let first = corner[0].mul_add(nx, corner[1].mul_add(ny, corner[2]));
        let [x, y, z] = share;
        let [a, b, c, d, e, f, g, h] = first.gather_bytes(&self.corners);
        let low = between(between(a * a, b * b, x), between(c * c, d * d, x), y);
        let high = between(between(e * e, f * f, x), between(g * g, h * h, x), y);
        let interpolated = between(low, high, z) * L::splat(self.unit_m * self.unit_m);
        (beyond - bulge).mul_add(L::splat(self.cell_m * self.cell_m), interpolated)
    }
}

/// Distances of which squares in bins are told: the cap is the largest byte, others are rounded
/// down (but for what single precision does to whole ones).
fn distances_in_bytes(squared: &[u16], bins_a_cell: usize) -> Vec<u8> {
    let unit = f32::from(u8::MAX) / (WINDOW * bins_a_cell) as f32;
    squared.iter().map(|&squared| (f32::from(squared).sqrt() * unit + 1e-4) as u8).collect()
}

/// The bytes of each vertex and its neighbours along x and y, side by side. Where the grid ends
/// there are none.
fn corners_of(vertices: [usize; 3], bytes: &[u8]) -> Vec<u32> {
    let [_, ny, nz] = vertices;
    let beyond = |step: usize| bytes[step..].iter().chain(std::iter::repeat_n(&0, step));
    let (along_x, along_y) = (beyond(ny * nz), beyond(nz));
    let both = beyond(ny * nz + nz);
    let four = bytes.iter().zip(along_x).zip(along_y.zip(both));
    four.map(|((&a, &b), (&c, &d))| u32::from_le_bytes([a, b, c, d])).collect()
}

#[inline(always)]
fn between<L: Lanes>(a: L, b: L, share: L) -> L {
    share.mul_add(b - a, a)
}

/// Squared distances of a grid's vertices to the nearest filled bin, in squared bins. Forced inline
/// for the instructions of its callers.
#[inline(always)]
pub(crate) fn squared_distances(
    vertices: [usize; 3],
    bins_a_cell: usize,
    filled: &[[u32; 3]],
) -> Vec<u16> {
    let mut passes = Passes::new(vertices, bins_a_cell);
    let mut slab = None;
    let mut last = None;
    for bin in filled.iter().map(|bin| bin.map(|place| place as usize)) {
        if last.replace(bin) == Some(bin) {
            continue;
        }
        let cell = bin[0] / bins_a_cell;
        if let Some(before) = slab.replace(cell).filter(|&before| before != cell) {
            passes.finish_slab(before);
        }
        passes.put(bin);
    }
    if let Some(last) = slab {
        passes.finish_slab(last);
    }
    passes.squared
}

/// The squared distance grows axis by axis: along z and y for all bins with the same x, then along x.
struct Passes {
    vertices: [usize; 3],
    bins_a_cell: usize,
    cap: u16,
    /// By the bin's place in its cell, squared distances along an axis of the vertices from
    /// [`BEFORE`] before its cell's lower one on.
    squares: Vec<[u16; ROW]>,
    /// The same along x by the slice of its cell that a bin is in.
    of_slices: Vec<[u16; ROW]>,
    /// For each slice of a cell along x, distances in the plane of y and z; its rows are longer by
    /// a window on both sides.
    planes: Vec<Plane>,
    squared: Vec<u16>,
}

struct Plane {
    squared: Vec<u16>,
    /// Rows that hold anything.
    from: usize,
    to: usize,
}

impl Passes {
    fn new(vertices: [usize; 3], bins_a_cell: usize) -> Self {
        let slices = bins_a_cell.min(MOST_SLICES);
        assert!(bins_a_cell.is_multiple_of(slices), "{bins_a_cell} bins in {slices} slices");
        // All three squares of an axis fit into one number.
        assert!(3 * (WINDOW * bins_a_cell).pow(2) <= usize::from(u16::MAX), "{bins_a_cell} bins");
        let squares = |parts: usize| -> Vec<[u16; ROW]> {
            let bins = bins_a_cell / parts;
            let square = |part: usize, k: usize| {
                let (vertex, low) = (k * bins_a_cell, BEFORE * bins_a_cell + part * bins);
                let apart = if vertex > low { vertex - low - bins } else { low - vertex };
                (apart.min(WINDOW * bins_a_cell) as u16).pow(2)
            };
            (0..parts).map(|part| std::array::from_fn(|k| square(part, k))).collect()
        };
        let cap = ((WINDOW * bins_a_cell) as u16).pow(2);
        let [nx, ny, nz] = vertices;
        let plane = || Plane { squared: vec![cap; ny * (nz + 2 * ROW)], from: ny, to: 0 };
        Self {
            vertices,
            bins_a_cell,
            cap,
            squares: squares(bins_a_cell),
            of_slices: squares(slices),
            planes: (0..slices).map(|_| plane()).collect(),
            squared: vec![cap; nx * ny * nz],
        }
    }

    /// Vertices within the window around a cell, of so many, and the place of the first in a row
    /// of squares.
    #[inline(always)]
    fn window(cell: usize, count: usize) -> (std::ops::Range<usize>, usize) {
        let first = (cell + 1).saturating_sub(WINDOW);
        (first..(cell + WINDOW + 1).min(count), BEFORE + first - cell)
    }

    #[inline(always)]
    fn put(&mut self, bin: [usize; 3]) {
        let [_, ny, nz] = self.vertices;
        let cell = bin.map(|bin| bin / self.bins_a_cell);
        let place = bin.map(|bin| bin % self.bins_a_cell);
        let slice = place[0] * self.planes.len() / self.bins_a_cell;
        let plane = &mut self.planes[slice];
        let (rows, first) = Self::window(cell[1], ny);
        (plane.from, plane.to) = (plane.from.min(rows.start), plane.to.max(rows.end));
        let along_z = self.squares[place[2]];
        for (row, &along_y) in rows.zip(&self.squares[place[1]][first..]) {
            let start = row * (nz + 2 * ROW) + ROW + cell[2] - BEFORE;
            let values = &mut plane.squared[start..start + ROW];
            for (value, along_z) in values.iter_mut().zip(&along_z) {
                *value = (*value).min(along_z + along_y);
            }
        }
    }

    /// All bins in this cell along x have been put.
    #[inline(always)]
    fn finish_slab(&mut self, cell: usize) {
        let [nx, ny, nz] = self.vertices;
        let (vertices, first) = Self::window(cell, nx);
        let from = self.planes.iter().map(|plane| plane.from).min().unwrap_or(ny);
        let to = self.planes.iter().map(|plane| plane.to).max().unwrap_or(0);
        for y in from..to {
            for (x, k) in vertices.clone().zip(first..) {
                let row = &mut self.squared[(x * ny + y) * nz..][..nz];
                for (z, values) in row.chunks_mut(ROW).enumerate() {
                    let start = y * (nz + 2 * ROW) + (z + 1) * ROW;
                    let mut least = [u16::MAX; ROW];
                    for (plane, squares) in self.planes.iter().zip(&self.of_slices) {
                        let in_plane = &plane.squared[start..start + ROW];
                        for (least, in_plane) in least.iter_mut().zip(in_plane) {
                            *least = (*least).min(in_plane + squares[k]);
                        }
                    }
                    for (value, least) in values.iter_mut().zip(&least) {
                        *value = (*value).min(*least);
                    }
                }
            }
        }
        for plane in &mut self.planes {
            let rows = plane.from.min(plane.to)..plane.to;
            plane.squared[rows.start * (nz + 2 * ROW)..rows.end * (nz + 2 * ROW)].fill(self.cap);
            (plane.from, plane.to) = (ny, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::Plain;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_point_is_nearer_than_told_and_none_much_farther(
            points in prop::collection::vec(prop::array::uniform3(0.0_f32..0.99), 1..60),
            at in prop::array::uniform3(-0.3_f32..1.3),
        ) {
            let mut bins: Vec<[u32; 3]> =
                points.iter().map(|p| p.map(|x| (x * 40.0) as u32)).collect();
            bins.sort_unstable();
            let field = DistanceField::new([0.0; 3], 0.1, [10; 3], 4, &bins);
            let lanes: Triple<Plain> = at.map(Plain::splat);
            let told = field.squared_at_least(&lanes).least();
            let exact = points
                .iter()
                .map(|p| (0..3).map(|i| (p[i] - at[i]).powi(2)).sum::<f32>())
                .fold(f32::INFINITY, f32::min);
            prop_assert!(told <= exact + 1e-6, "{told} {exact}");
            // Inside, bins and interpolation cost no more than a diagonal and three quarters of a
            // squared cell.
            if at.iter().all(|x| (0.0..1.0).contains(x)) {
                let told_m = (told + 0.75 * 0.01 * 1.001).max(0.0).sqrt();
                let most_m = exact.sqrt().min(field.most_m()) - 0.1;
                prop_assert!(told_m + 0.025 * 1.74 > most_m, "{told} {exact}");
            }
        }
    }
    #[test]
    fn all_instructions_find_the_same_distances() {
        let bins: Vec<[u32; 3]> = (0..120).map(|k| [k / 6, k * 7 % 40, k * 13 % 56]).collect();
        let vertices = [14, 11, 15];
        let plain = Instructions::Plain.squared_distances(vertices, 4, &bins);
        assert!(plain.contains(&24_u16.pow(2)));
        for instructions in Instructions::available() {
            let found = instructions.squared_distances(vertices, 4, &bins);
            assert!(found == plain, "{instructions:?} differ");
        }
    }
}
