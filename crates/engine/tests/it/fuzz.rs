//! The committed corpora, run through the very functions that are fuzzed.

#[path = "../../../../fuzz/src/room.rs"]
#[expect(unreachable_pub, reason = "the file belongs to another crate, which exports it")]
mod room;

use std::path::Path;

use crate::rng::Rng;

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
    let entries = std::fs::read_dir(folder).expect("the corpus is there");
    let files = entries.map(|entry| std::fs::read(entry.expect("an entry").path()).expect("a file"));
    let files: Vec<Vec<u8>> = files.collect();
    assert!(!files.is_empty(), "the corpus of {name} has something in it");
    files
}

/// Each file as it is, cut short, and with some bytes changed.
fn run(name: &str, aim: fn(&[u8])) {
    for (number, file) in corpus(name).into_iter().enumerate() {
        aim(&file);
        let mut rng = Rng::new(number as u64);
        for _ in 0..300 {
            let mut bytes = file.clone();
            bytes.truncate(1 + rng.below(bytes.len() as u64) as usize);
            for _ in 0..rng.below(4) {
                let at = rng.below(bytes.len() as u64) as usize;
                bytes[at] = rng.u64() as u8;
            }
            aim(&bytes);
        }
    }
}

#[test]
fn the_readers_take_anything() {
    run("frame", room::frame);
    run("startup", room::startup);
    run("scram", room::scram);
}

#[test]
fn the_worker_takes_anything() {
    run("worker", room::worker);
}
