use nalgebra::Point3;

use crate::TriangleMesh;

const HEADER: usize = 84;
const RECORD: usize = 50;

/// Why bytes are no mesh.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StlError {
    /// Shorter than the header.
    #[error("{got} bytes are too few for an STL header")]
    NoHeader {
        /// Number of bytes.
        got: usize,
    },
    /// Text, or cut short.
    #[error("is no binary STL: {triangles} triangles do not fill {got} bytes")]
    WrongLength {
        /// What the header says.
        triangles: usize,
        /// Number of bytes.
        got: usize,
    },
    /// A corner is NaN or infinite.
    #[error("a corner of triangle {triangle} is not finite")]
    NotFinite {
        /// Which.
        triangle: usize,
    },
    /// A corner in a text is not three finite numbers, or a triangle has not three corners.
    #[error("line {line}: a triangle needs three corners of three finite numbers")]
    BadCorner {
        /// Line of the text.
        line: usize,
    },
    /// Nothing to see.
    #[error("holds no triangle")]
    Empty,
}

impl TriangleMesh {
    /// Reads an STL, binary or text; its numbers times `scale` are metres. Triangles share no
    /// vertices.
    pub fn from_stl(bytes: &[u8], scale: [f64; 3]) -> Result<Self, StlError> {
        match Self::from_binary_stl(bytes, scale) {
            // Binary files may begin so too: their length tells.
            Err(StlError::WrongLength { .. } | StlError::NoHeader { .. })
                if bytes.starts_with(b"solid") =>
            {
                Self::from_stl_text(&String::from_utf8_lossy(bytes), scale)
            }
            read => read,
        }
    }

    fn from_stl_text(text: &str, scale: [f64; 3]) -> Result<Self, StlError> {
        let mut mesh = Self::default();
        for (index, text) in text.lines().enumerate() {
            let bad = StlError::BadCorner { line: index + 1 };
            let mut words = text.split_ascii_whitespace();
            match words.next() {
                Some("vertex") => {
                    let numbers: Vec<f64> = words.map_while(|word| word.parse().ok()).collect();
                    let [x, y, z] = numbers[..] else { return Err(bad) };
                    if !numbers.iter().all(|number| number.is_finite()) {
                        return Err(bad);
                    }
                    mesh.vertices.push(Point3::new(x * scale[0], y * scale[1], z * scale[2]));
                }
                Some("endloop") => {
                    let (told, first) = (mesh.vertices.len(), 3 * mesh.triangles.len());
                    if told != first + 3 {
                        return Err(bad);
                    }
                    let first = first as u32;
                    mesh.triangles.push([first, first + 1, first + 2]);
                }
                _ => {}
            }
        }
        if mesh.triangles.is_empty() { Err(StlError::Empty) } else { Ok(mesh) }
    }

    /// Reads a binary STL; its numbers times `scale` are metres. Triangles share no vertices.
    pub fn from_binary_stl(bytes: &[u8], scale: [f64; 3]) -> Result<Self, StlError> {
        let got = bytes.len();
        let count = bytes.get(80..HEADER).ok_or(StlError::NoHeader { got })?;
        let triangles = u32::from_le_bytes([count[0], count[1], count[2], count[3]]) as usize;
        if triangles.checked_mul(RECORD).and_then(|body| body.checked_add(HEADER)) != Some(got) {
            return Err(StlError::WrongLength { triangles, got });
        }
        if triangles == 0 {
            return Err(StlError::Empty);
        }
        let mut mesh = Self::default();
        for (triangle, record) in bytes[HEADER..].chunks_exact(RECORD).enumerate() {
            let first = mesh.vertices.len() as u32;
            for corner in record[12..48].chunks_exact(12) {
                let number = |i: usize| {
                    let bytes =
                        [corner[4 * i], corner[4 * i + 1], corner[4 * i + 2], corner[4 * i + 3]];
                    f64::from(f32::from_le_bytes(bytes)) * scale[i]
                };
                let vertex = Point3::new(number(0), number(1), number(2));
                if !vertex.iter().all(|value| value.is_finite()) {
                    return Err(StlError::NotFinite { triangle });
                }
                mesh.vertices.push(vertex);
            }
            mesh.triangles.push([first, first + 1, first + 2]);
        }
        Ok(mesh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_triangle_is_read_and_scaled() {
        let mut bytes = vec![0; HEADER + RECORD];
        bytes[80] = 1;
        bytes[HEADER + 20..HEADER + 24].copy_from_slice(&2.0_f32.to_le_bytes());
        let mesh = TriangleMesh::from_binary_stl(&bytes, [1.0, 1.0, 0.5]).unwrap();
        assert_eq!(mesh.vertices[0], Point3::new(0.0, 0.0, 1.0));
        assert_eq!(mesh.triangles, [[0, 1, 2]]);
    }

    #[test]
    fn text_is_read_too() {
        const TEXT: &str = "solid a\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\n\
            vertex 0 2e0 0\nendloop\nendfacet\nendsolid a\n";
        let read = |text: &str| TriangleMesh::from_stl(text.as_bytes(), [1.0, 0.5, 1.0]);
        let mesh = read(TEXT).unwrap();
        assert_eq!(mesh.triangles, [[0, 1, 2]]);
        assert_eq!(mesh.vertices[2], Point3::new(0.0, 1.0, 0.0));
        assert_eq!(read(&TEXT.replace("2e0", "x")), Err(StlError::BadCorner { line: 6 }));
        assert_eq!(read(&TEXT.replace("vertex 1 0 0", "")), Err(StlError::BadCorner { line: 7 }));
        assert_eq!(read("solid a\nendsolid a"), Err(StlError::Empty));
    }

    #[test]
    fn broken_files_are_errors() {
        let read = |bytes: &[u8]| TriangleMesh::from_binary_stl(bytes, [1.0; 3]);
        assert_eq!(read(&[]), Err(StlError::NoHeader { got: 0 }));
        assert_eq!(read(&[0; 84]), Err(StlError::Empty));
        let mut absurd = vec![0; 84];
        absurd[80..84].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(read(&absurd), Err(StlError::WrongLength { .. })));
        let mut one = vec![0; HEADER + RECORD];
        one[80] = 1;
        one[HEADER + 12..HEADER + 16].copy_from_slice(&f32::NAN.to_le_bytes());
        assert_eq!(read(&one), Err(StlError::NotFinite { triangle: 0 }));
    }
}
