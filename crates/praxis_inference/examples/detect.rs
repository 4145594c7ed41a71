//! What a network sees in a picture.
//!
//!     cargo xtask exec -- cargo run --release -p praxis_inference --example detect -- \
//!         FOLDER PICTURE.ppm [LEAST_SCORE]
//!
//! FOLDER holds card.toml and the network; the picture is a binary PPM with 8 bits a channel.
//! Prints one JSON line per detection, best first.

use praxis_inference::{InferenceConfig, OrtNetwork, library_path};
use praxis_network::{Card, ImageView, Network, PixelFormat, Preprocessor};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, picture, rest @ ..] = &arguments[..] else {
        return Err("usage: detect FOLDER PICTURE.ppm [LEAST_SCORE]".into());
    };
    let least = rest.first().map(|text| text.parse::<f32>()).transpose()?;
    let card = Card::read(folder.as_ref())?;
    let config = InferenceConfig {
        library: library_path("")?,
        providers: vec!["cpu".to_owned()],
        intra_op_threads: 1,
    };
    let mut network = OrtNetwork::load(&card, &config)?;
    let file = std::fs::read(picture)?;
    let (width, height, bytes) = read_ppm(&file).ok_or_else(|| format!("{picture} is no PPM"))?;
    let image = ImageView::new(width, height, 3 * width, PixelFormat::Rgb8, bytes)?;
    let mut preprocessor = Preprocessor::new(&card.input);
    let (tensor, input_from_image) = preprocessor.run(&image);
    let outputs = network.run(&[(card.input.name.as_str(), tensor.view())], None)?;
    for detection in card.decode(&outputs, &input_from_image, (width, height), least)? {
        let bounds = detection.bounds;
        println!(
            "{{\"class\": {:?}, \"score\": {:.4}, \"min_px\": {:?}, \"max_px\": {:?}}}",
            card.classes[detection.class].name, detection.score, bounds.min_px, bounds.max_px
        );
    }
    Ok(())
}

/// Width, height and pixels of `P6`.
fn read_ppm(file: &[u8]) -> Option<(usize, usize, &[u8])> {
    let (mut at, mut words) = (0, Vec::new());
    for _ in 0..4 {
        let begin = at + file[at..].iter().position(|byte| !byte.is_ascii_whitespace())?;
        let end = begin + file[begin..].iter().position(u8::is_ascii_whitespace)?;
        words.push(std::str::from_utf8(&file[begin..end]).ok()?);
        at = end + 1;
    }
    let [kind, width, height, most] = words[..] else { return None };
    let (width, height) = (width.parse().ok()?, height.parse().ok()?);
    (kind == "P6" && most == "255").then(|| (width, height, &file[at..]))
}
