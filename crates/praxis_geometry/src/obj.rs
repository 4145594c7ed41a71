use nalgebra::Point3;

use crate::TriangleMesh;

/// Why text is no mesh.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ObjError {
    /// A corner has fewer than three numbers, or one that is not finite.
    #[error("line {line}: a corner needs three finite numbers")]
    BadCorner {
        /// Line of the text.
        line: usize,
    },
    /// A face has fewer than three corners, or one that is not there.
    #[error("line {line}: a face needs three corners or more, all of them told above")]
    BadFace {
        /// Line of the text.
        line: usize,
    },
    /// Nothing to see.
    #[error("holds no face")]
    Empty,
}

impl TriangleMesh {
    /// Reads the corners and faces of a Wavefront OBJ; its numbers times `scale` are metres. Faces
    /// of more than three corners become fans.
    pub fn from_obj(text: &str, scale: [f64; 3]) -> Result<Self, ObjError> {
        let mut mesh = Self::default();
        for (index, text) in text.lines().enumerate() {
            let line = index + 1;
            let mut words = text.split_ascii_whitespace();
            match words.next() {
                Some("v") => {
                    let corner = corner(words, scale).ok_or(ObjError::BadCorner { line })?;
                    mesh.vertices.push(corner);
                }
                Some("f") => {
                    let told = mesh.vertices.len();
                    let face: Option<Vec<u32>> = words.map(|word| index_of(word, told)).collect();
                    let face = face.filter(|face| face.len() >= 3);
                    mesh.push_fan(&face.ok_or(ObjError::BadFace { line })?);
                }
                _ => {}
            }
        }
        if mesh.triangles.is_empty() { Err(ObjError::Empty) } else { Ok(mesh) }
    }

    /// Adds a flat, convex face of three corners or more.
    pub fn push_fan(&mut self, face: &[u32]) {
        self.triangles.extend(face.windows(2).skip(1).map(|edge| [face[0], edge[0], edge[1]]));
    }
}

fn corner<'a>(mut words: impl Iterator<Item = &'a str>, scale: [f64; 3]) -> Option<Point3<f64>> {
    let mut corner = Point3::origin();
    for axis in 0..3 {
        let number: f64 = words.next()?.parse().ok()?;
        corner[axis] = number * scale[axis];
    }
    corner.iter().all(|number| number.is_finite()).then_some(corner)
}

/// The corner of `7`, `7/1/2` or `-1` (the last one told), counted from 0.
fn index_of(word: &str, told: usize) -> Option<u32> {
    let number: i64 = word.split('/').next()?.parse().ok()?;
    let told = told as i64;
    let index = if number < 0 { told + number } else { number - 1 };
    (0..told).contains(&index).then_some(index as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQUARE: &str = "# a square\nv 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nf 1/1/1 2/2/1 3 -1\n";

    #[test]
    fn a_square_is_two_triangles() {
        let mesh = TriangleMesh::from_obj(SQUARE, [2.0, 1.0, 1.0]).unwrap();
        assert_eq!(mesh.triangles, [[0, 1, 2], [0, 2, 3]]);
        assert_eq!(mesh.vertices[2], Point3::new(2.0, 1.0, 0.0));
    }

    #[test]
    fn broken_text_is_refused_with_the_line() {
        let read = |text: &str| TriangleMesh::from_obj(text, [1.0; 3]).unwrap_err();
        assert_eq!(read("v 0 0 0\nv 1 x 0"), ObjError::BadCorner { line: 2 });
        assert_eq!(read("v 0 nan 0"), ObjError::BadCorner { line: 1 });
        assert_eq!(read(&SQUARE.replace("-1", "5")), ObjError::BadFace { line: 6 });
        assert_eq!(read(&SQUARE.replace("-1", "0")), ObjError::BadFace { line: 6 });
        assert_eq!(read("v 0 0 0\nf 1 1"), ObjError::BadFace { line: 2 });
        assert_eq!(read("v 0 0 0"), ObjError::Empty);
    }
}
