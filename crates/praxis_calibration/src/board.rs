//! The board, and the grey picture that it is looked for in.

use nalgebra::Point3;
use praxis_perception::ColourImage;

use crate::CalibrationError;

/// A checkerboard by its inner corners: those where four squares meet.
///
/// Corners count along x first. The board's frame lies in the first corner, x along the rows, y
/// along the columns, z away from who looks at it. The first corner is the one beside the dark one
/// of the two squares that lie in the outermost inner corners of the grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Checkerboard {
    columns: usize,
    rows: usize,
    square_m: f64,
}

impl Checkerboard {
    /// A board of `columns` × `rows` inner corners.
    ///
    /// # Errors
    /// When it is too small, looks the same after half a turn, or its squares have no size.
    pub fn new(columns: usize, rows: usize, square_m: f64) -> Result<Self, CalibrationError> {
        if columns < 3 || rows < 3 || columns + rows > 60 || (columns + rows).is_multiple_of(2) {
            return Err(CalibrationError::Board { columns, rows });
        }
        if !(square_m.is_finite() && square_m > 0.0) {
            return Err(CalibrationError::Square { found_m: square_m });
        }
        Ok(Self { columns, rows, square_m })
    }

    /// Inner corners in a row.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Rows of inner corners.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Inner corners of all rows.
    pub fn corners(&self) -> usize {
        self.columns * self.rows
    }

    /// Side of a square, metres.
    pub fn square_m(&self) -> f64 {
        self.square_m
    }

    /// Every inner corner in the board's frame, row by row.
    pub fn points(&self) -> impl Iterator<Item = Point3<f64>> {
        let (columns, side) = (self.columns, self.square_m);
        (0..self.corners()).map(move |index| {
            Point3::new((index % columns) as f64 * side, (index / columns) as f64 * side, 0.0)
        })
    }
}

/// A picture of brightness, 0 to 255.
#[derive(Clone, Debug, PartialEq)]
pub struct GreyImage {
    width: usize,
    height: usize,
    values: Vec<f32>,
}

impl GreyImage {
    /// The brightness of a colour picture.
    pub fn of(image: &ColourImage) -> Self {
        let (width, height) = (image.width(), image.height());
        let rgb = image.to_rgb8();
        let grey =
            |p: &[u8]| 0.299 * f32::from(p[0]) + 0.587 * f32::from(p[1]) + 0.114 * f32::from(p[2]);
        Self { width, height, values: rgb.chunks_exact(3).map(grey).collect() }
    }

    /// Pixels in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Brightness of a pixel that lies in the picture.
    #[inline]
    pub(crate) fn at(&self, column: usize, row: usize) -> f32 {
        self.values[row * self.width + column]
    }

    /// Brightness between pixels; none outside.
    pub(crate) fn between(&self, x: f64, y: f64) -> Option<f32> {
        let inside =
            x >= 0.0 && y >= 0.0 && x < (self.width - 1) as f64 && y < (self.height - 1) as f64;
        if !inside {
            return None;
        }
        let (column, row) = (x as usize, y as usize);
        let (s, t) = ((x - column as f64) as f32, (y - row as f64) as f32);
        let upper = self.at(column, row) * (1.0 - s) + self.at(column + 1, row) * s;
        let lower = self.at(column, row + 1) * (1.0 - s) + self.at(column + 1, row + 1) * s;
        Some(upper * (1.0 - t) + lower * t)
    }

    /// The picture in half the size.
    pub(crate) fn halved(&self) -> Self {
        let (width, height) = (self.width / 2, self.height / 2);
        let mut values = Vec::with_capacity(width * height);
        for row in 0..height {
            for column in 0..width {
                let (x, y) = (2 * column, 2 * row);
                let sum =
                    self.at(x, y) + self.at(x + 1, y) + self.at(x, y + 1) + self.at(x + 1, y + 1);
                values.push(0.25 * sum);
            }
        }
        Self { width, height, values }
    }
}
