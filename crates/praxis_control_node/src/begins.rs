use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// When motions began, and how long commands took from the loop to the wire: for `cargo xtask bench
/// e2e`.
pub struct Begins {
    file: PathBuf,
    motion: Option<u64>,
    begins_ns: Vec<u128>,
    to_wire_ns: Vec<u64>,
}

impl Begins {
    /// Everything is written to `file` at the end.
    pub fn new(file: PathBuf) -> Self {
        Self { file, motion: None, begins_ns: Vec::new(), to_wire_ns: Vec::with_capacity(1 << 16) }
    }

    /// A command of a motion, by its number if there is one, is on the wire.
    pub fn sent(&mut self, motion: Option<u64>, to_wire_ns: u64) {
        self.to_wire_ns.push(to_wire_ns);
        if motion.is_some() && motion != self.motion {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            self.begins_ns.push(now.as_nanos());
        }
        self.motion = motion;
    }

    /// Writes `begins N…`, wall clock, and `to_wire N…`, nanoseconds.
    pub fn finish(&self) -> std::io::Result<()> {
        let words =
            |numbers: &mut dyn Iterator<Item = String>| numbers.collect::<Vec<_>>().join(" ");
        let begins = words(&mut self.begins_ns.iter().map(u128::to_string));
        let to_wire = words(&mut self.to_wire_ns.iter().map(u64::to_string));
        std::fs::write(&self.file, format!("begins {begins}\nto_wire {to_wire}\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_motion_begins_once() {
        let file = std::env::temp_dir().join(format!("praxis_begins_{}", std::process::id()));
        let mut begins = Begins::new(file.clone());
        for (motion, to_wire_ns) in [(None, 1), (Some(4), 2), (Some(4), 3), (Some(5), 4), (None, 5)]
        {
            begins.sent(motion, to_wire_ns);
        }
        begins.finish().unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        let (begun, to_wire) = text.split_once('\n').unwrap();
        assert_eq!(begun.split(' ').count(), 3, "{text}");
        assert_eq!(to_wire, "to_wire 1 2 3 4 5\n");
    }
}
