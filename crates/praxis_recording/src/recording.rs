//! A recording as an iterator.

use std::collections::{BTreeSet, VecDeque};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use mcap::io::MessageReader;

use crate::RecordingError;
use crate::read::{Kind, Told};

/// Which topics carry what; a leading slash makes no difference. Of colour and depth the
/// compressed topics of image_transport are read as well.
#[derive(Clone, Debug, PartialEq)]
pub struct Topics {
    /// Colour pictures.
    pub colour: String,
    /// Depth pictures, aligned with the colour pictures.
    pub depth: String,
    /// The camera of both.
    pub camera_info: String,
    /// Transforms.
    pub tf: String,
    /// Transforms that never change.
    pub tf_static: String,
    /// The robot's URDF.
    pub description: String,
}

impl Default for Topics {
    fn default() -> Self {
        Self {
            colour: "camera/color/image_raw".to_owned(),
            depth: "camera/depth/image_raw".to_owned(),
            camera_info: "camera/color/camera_info".to_owned(),
            tf: "tf".to_owned(),
            tf_static: "tf_static".to_owned(),
            description: "robot_description".to_owned(),
        }
    }
}

impl Topics {
    /// How the messages of a topic are read; none for a topic that nobody asked for.
    fn kind(&self, topic: &str) -> Option<Kind> {
        let bare = |name: &str| name.trim_start_matches('/').to_owned();
        let topic = bare(topic);
        let is = |name: &str, suffix: &str| topic == bare(name) + suffix;
        let kinds = [
            (is(&self.colour, ""), Kind::Colour),
            (is(&self.colour, "/compressed"), Kind::CompressedColour),
            (is(&self.depth, ""), Kind::Depth),
            (is(&self.depth, "/compressedDepth"), Kind::CompressedDepth),
            (is(&self.camera_info, ""), Kind::Camera),
            (is(&self.tf, ""), Kind::Transforms { are_static: false }),
            (is(&self.tf_static, ""), Kind::Transforms { are_static: true }),
            (is(&self.description, ""), Kind::Description),
        ];
        kinds.into_iter().find(|(matches, _)| *matches).map(|(_, kind)| kind)
    }
}

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// When it was recorded, nanoseconds.
    pub logged_ns: u64,
    /// What it tells.
    pub told: Told,
}

/// The messages of a recording that were asked for, in the order of the file.
pub struct Recording {
    topics: Topics,
    waiting: VecDeque<PathBuf>,
    open: Option<(PathBuf, MessageReader<BufReader<File>>)>,
    passed_over: BTreeSet<String>,
    ended: bool,
}

impl Recording {
    /// Opens an MCAP file, or all of them in the folder of a bag.
    ///
    /// # Errors
    /// When it cannot be read or is in another container.
    pub fn open(path: &Path, topics: Topics) -> Result<Self, RecordingError> {
        let unreadable = |path: &Path| {
            let path = path.to_path_buf();
            move |source| RecordingError::File { path, source }
        };
        let mut files = Vec::new();
        if path.is_dir() {
            for entry in std::fs::read_dir(path).map_err(unreadable(path))? {
                let file = entry.map_err(unreadable(path))?.path();
                if file.extension().is_some_and(|ending| ending == "mcap") {
                    files.push(file);
                }
            }
            // `ros2 bag` numbers them: `_2` comes before `_10`.
            files.sort_by_key(|file| (file.as_os_str().len(), file.clone()));
        } else {
            files.push(path.to_path_buf());
        }
        if files.is_empty() {
            return Err(RecordingError::NotMcap { path: path.to_path_buf() });
        }
        for path in &files {
            const MAGIC: [u8; 5] = [0x89, b'M', b'C', b'A', b'P'];
            let mut begin = Vec::new();
            File::open(path)
                .and_then(|file| file.take(MAGIC.len() as u64).read_to_end(&mut begin))
                .map_err(unreadable(path))?;
            if begin != MAGIC {
                return Err(RecordingError::NotMcap { path: path.clone() });
            }
        }
        let (waiting, passed_over) = (files.into(), BTreeSet::new());
        Ok(Self { topics, waiting, open: None, passed_over, ended: false })
    }

    /// Topics met so far that nobody asked for.
    pub fn passed_over(&self) -> impl Iterator<Item = &str> {
        self.passed_over.iter().map(String::as_str)
    }

    fn read(&mut self) -> Result<Option<Entry>, RecordingError> {
        loop {
            if self.open.is_none() {
                let Some(path) = self.waiting.pop_front() else { return Ok(None) };
                let file = File::open(&path)
                    .map_err(|source| RecordingError::File { path: path.clone(), source })?;
                self.open = Some((path, MessageReader::new(BufReader::new(file))));
            }
            let Some((path, messages)) = &mut self.open else { continue };
            let Some(message) = messages.next() else {
                self.open = None;
                continue;
            };
            let message = message.map_err(|error| RecordingError::Damaged {
                path: path.clone(),
                reason: error.to_string(),
            })?;
            let channel = &message.channel;
            let Some(kind) = self.topics.kind(&channel.topic) else {
                if !self.passed_over.contains(&channel.topic) {
                    self.passed_over.insert(channel.topic.clone());
                }
                continue;
            };
            let found = channel.schema.as_ref().map_or("", |schema| schema.name.as_str());
            if found != kind.type_name() || channel.message_encoding != "cdr" {
                return Err(RecordingError::Type {
                    topic: channel.topic.clone(),
                    found: format!("{found} in {}", channel.message_encoding),
                    expected: kind.type_name(),
                });
            }
            let told = kind.read(&message.data).map_err(|reason| RecordingError::Message {
                topic: channel.topic.clone(),
                reason,
            })?;
            return Ok(Some(Entry { logged_ns: message.log_time, told }));
        }
    }
}

impl Iterator for Recording {
    type Item = Result<Entry, RecordingError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let read = self.read();
        self.ended = matches!(&read, Err(error) if !error.is_of_one_message());
        read.transpose()
    }
}
